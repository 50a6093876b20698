"""docs/errors.md names every problem code that our HTTP interfaces answer with, and says it in their words."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connector.inbound.http.refusals import MALFORMED

ROOT = Path(__file__).parents[1]
PLACES = ("services/connector/src", "services/availability/src", "shared/src/runtime/http")
GENERAL = "refused"
"""Any other status that the framework answers with."""


@dataclass(frozen=True)
class Said:
    """A code with its status where it is written, and the titles that stand beside it as plain text."""

    code: str
    status: int
    titles: frozenset[str]


def written() -> Iterator[Said]:
    """`(status, code, title)` as a tuple or a call's arguments, and `status: (code, title)`."""
    for place in PLACES:
        for file in sorted((ROOT / place).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                yield from _written(node)


def _written(node: ast.AST) -> Iterator[Said]:
    match node:
        case ast.Tuple(elts=parts) | ast.Call(args=parts):
            yield from _said(parts)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if key is not None and isinstance(value, ast.Tuple):
                    yield from _said([key, *value.elts])


def _said(parts: list[ast.expr]) -> Iterator[Said]:
    match parts:
        case [ast.Constant(value=int(status)), ast.Constant(value=str(code)), *titles] if (
            400 <= status < 600 and re.fullmatch("[a-z_]+", code)
        ):
            plain = (one.value for title in titles for one in ast.walk(title) if isinstance(one, ast.Constant))
            # An f-string's parts are no whole titles; theirs are told by hand.
            formed = any(isinstance(one, ast.JoinedStr) for title in titles for one in ast.walk(title))
            yield Said(
                code, status, frozenset(one for one in plain if isinstance(one, str) and " " in one and not formed)
            )


def documented() -> dict[tuple[str, int], str]:
    """The text of each section by code and status."""
    text = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    parts = re.split(r"^### `([a-z_]+)` · (\d{3}).*$", text, flags=re.MULTILINE)[1:]
    return {(code, int(status)): told for code, status, told in zip(*[iter(parts)] * 3, strict=True)}


def test_every_code_is_documented_and_no_other() -> None:
    known = {(one.code, one.status) for one in written()}

    told = {key for key in documented() if key[0] != GENERAL}

    assert told == known


def test_every_section_has_a_title_in_both_languages() -> None:
    without = [key for key, told in documented().items() if "\n> en: " not in told or "\n> fr: " not in told]

    assert without == []


def test_titles_are_documented_as_they_are_told() -> None:
    sections = documented()
    malformed = frozenset(title for by_language in MALFORMED.values() for title in by_language.values())

    said = [*written(), Said("credentials_malformed", 422, malformed)]

    assert [
        (one.code, title) for one in said for title in one.titles if title not in sections[one.code, one.status]
    ] == []
