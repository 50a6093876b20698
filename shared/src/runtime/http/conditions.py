"""The condition that a change may come with: If-Match, read as RFC 9110 writes it (8.8.3 and 13.1.1)."""

import re
from typing import Final

from runtime.http.problems import Problem

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_SPACE: Final = " \t"


def quoted(word: str) -> str:
    """The word as a strong ETag."""
    return f'"{word}"'


def named(if_match: str | None) -> frozenset[str] | None:
    """The words that If-Match names, one of which must hold; None: there is no condition, because `*` holds here.

    A weak tag names none: the comparison is strong. Raises the problem of what is no list of tags.
    """
    if if_match is None or if_match.strip(_SPACE) == "*":
        return None
    # Commas may be in a tag: what is left of the list is looked at without them.
    between = _TAG.sub('""', if_match).split(",")
    if any(part.strip(_SPACE) not in {"", '""'} for part in between):
        raise if_match_malformed()
    return frozenset(word for weak, word in _TAG.findall(if_match) if not weak)


def if_match_malformed() -> Problem:
    """What was sent is no condition."""
    return Problem(
        400,
        "if_match_malformed",
        {
            "en": "If-Match must be * or an ETag as we gave it, in its double quotes; several with commas between "
            "them.",
            "fr": "If-Match doit valoir * ou un ETag tel que nous l'avons donné, entre ses guillemets droits ; "
            "plusieurs, séparés par des virgules.",
        },
    )
