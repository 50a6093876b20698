"""The words of the pages, in French and English: two files with the same keys."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup, escape

LANGUAGES: Final = ("fr", "en")
NAMES: Final[Mapping[str, str]] = {"fr": "Français", "en": "English"}

_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_BEFORE: Final = re.compile(r" (?=[:;!?»])")
_AFTER: Final = re.compile(r"(?<=«) ")


@dataclass(frozen=True, slots=True)
class Words:
    """All words of one language, by dotted key."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> Markup:
        """The text with its placeholders filled; values are escaped unless they are markup. KeyError if unknown."""
        return Markup(escape(self.texts[key])).format(**values)  # noqa: S704 - ours, and escaped

    def counted(self, key: str, number: int, **values: object) -> Markup:
        """The text for so many: `key.one` or `key.other`, which may show `{number}`. French counts none as one does."""
        one = number == 1 or (number == 0 and self.language == "fr")
        return self(f"{key}.{'one' if one else 'other'}", number=number, **values)

    def said(self, title: Mapping[str, str]) -> str:
        """A sentence that comes in both languages, in this one."""
        return typeset(title[self.language], self.language)


def read_catalogues() -> Mapping[str, Words]:
    """By language, from the package's own files."""
    return {language: Words(language, _texts(language)) for language in LANGUAGES}


def typeset(text: str, language: str) -> str:
    """The text with real apostrophes, `e-mail` in one piece, and the spaces that French wants unbroken.

    They stand before `:;!?»` and after `«`.
    """
    curled = text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}").replace("e-mail", "e\N{NON-BREAKING HYPHEN}mail")
    return _AFTER.sub(_NO_BREAK, _BEFORE.sub(_NO_BREAK, curled)) if language == "fr" else curled


def _texts(language: str) -> Mapping[str, str]:
    file = files(__package__) / "catalogues" / f"{language}.toml"
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return {key: typeset(text, language) for key, text in _flat(tables, "")}


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, entry in table.items():
        if isinstance(entry, str):
            yield prefix + name, entry
        else:
            yield from _flat(entry, f"{prefix}{name}.")
