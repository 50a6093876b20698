"""When Apple's 401 means that the credential is dead: only after several, spaced (R13)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

NEEDED: Final = 3
SPACING: Final = timedelta(minutes=1)
"""Closer ones are one and the same hiccup of Apple's."""
AGAIN_IN: Final = timedelta(seconds=75)
"""Until the next try: surely more than the spacing, three of them well within ten minutes."""


@dataclass(frozen=True, slots=True)
class Rejections:
    """401s in a row, with nothing accepted between them; only spaced ones are counted."""

    count: int
    since: datetime
    last: datetime

    @property
    def final(self) -> bool:
        """Whether the credential is to be taken for dead."""
        return self.count >= NEEDED


def rejected(before: Rejections | None, at: datetime) -> Rejections:
    """`before` and one more 401."""
    if before is None:
        return Rejections(1, since=at, last=at)
    if at - before.last < SPACING:
        return before
    return Rejections(before.count + 1, since=before.since, last=at)
