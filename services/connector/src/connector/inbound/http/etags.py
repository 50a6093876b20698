"""ETags of connections, and the condition that a new setup may come with (RFC 9110, 8.8.3 and 13.1.1).

The tag is the word for what a setup is chosen from, as in the form of the pages (`offers.offer`): another one once the
setup, the time zone, or which calendars there are and may be chosen has changed. Names of calendars, and all that is
told of their reading, are no part of it.
"""

import re
from typing import Annotated, Any, Final

from fastapi import Header

from connector.inbound.http.refusals import IF_MATCH_MALFORMED
from runtime.http import Problem

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_SPACE: Final = " \t"

IfMatch = Annotated[
    str | None,
    Header(
        max_length=500,
        description="The ETag of the connection as you have seen it: the setup is replaced only if that still holds. "
        "Without it, or with `*`, whatever there is is replaced. A weak ETag never holds.",
        examples=['"f3c5b1e0-74234e98-9bfe1d3a-85a1f6c2-fcbcf165-74234e98-2c1d5e7b"'],
    ),
]
DOCUMENTED: Final[dict[str, Any]] = {
    "headers": {
        "ETag": {
            "description": "Of the setup and of what it is chosen from, for `If-Match`; the rest of the connection may "
            "change without it",
            "schema": {"type": "string"},
        }
    }
}
"""OpenAPI's part of an answer that has an ETag."""


def quoted(word: str) -> str:
    """The word as a strong ETag."""
    return f'"{word}"'


def named(if_match: str | None) -> frozenset[str] | None:
    """The words that If-Match names, one of which must hold; None: there is no condition, because `*` holds here.

    A weak tag names none. Raises the problem of what is no list of tags.
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
    return Problem(*IF_MATCH_MALFORMED)
