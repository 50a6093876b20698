"""ETags of connections, and the condition that a new setup may come with, in the words of the interface.

The tag is the word for what a setup is chosen from, as in the form of the pages (`offers.offer`): another one once the
setup, the time zone, or which calendars there are and may be chosen has changed. Names of calendars, and all that is
told of their reading, are no part of it.
"""

from typing import Annotated, Any, Final

from fastapi import Header

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
