"""How thoroughly a connection can be looked at anew."""

from enum import StrEnum


class How(StrEnum):
    """What a connection is to be put through."""

    LOOK = "look"
    """A usual look, now."""
    COMPARE = "compare"
    """And besides the daily work: each calendar is listed in full and compared with what is kept."""
    REREAD = "reread"
    """Each event is fetched and read again; what says the same as before is not told again."""
    REPUBLISH = "republish"
    """What is kept of it and its events is told again, with the revisions that it has: for who has lost something."""
