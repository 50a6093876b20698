"""What one look at a calendar has brought."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sync_worker.domain.holds import Held, Verdict
from sync_worker.domain.passes import Step
from sync_worker.domain.tracked import PutRight, Shown


@dataclass(frozen=True, slots=True)
class Drift:
    """What a full listing showed and no change had told, though it had to.

    `news` are objects to be read: their kept revision by event id, 0 for one that is not kept. `extra` are to be
    removed.
    """

    news: Mapping[str, int] = field(default_factory=dict)
    extra: frozenset[str] = frozenset()

    def repaired(self, now: Mapping[str, tuple[int, bool]]) -> PutRight:
        """How much of it led to anything, by kind; `now` is revision and life of what is kept, by event id."""
        news = {one: now[one] for one in self.news if one in now and now[one][1]}
        return PutRight(
            missing=sum(not self.news[one] for one in news),
            changed=sum(0 < self.news[one] < revision for one, (revision, _) in news.items()),
            extra=sum(one in now and not now[one][1] for one in self.extra),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is to be fetched (ETag by href) and removed (event ids), and from where the next pass may then go on.

    `hold` is what is held of the calendar from here on; `verdict` what became of what was held before; `empty_since`
    when its first listing came empty, as long as that is in doubt.
    """

    step: Step
    shown: Shown
    fetch: Mapping[str, str] = field(repr=False)
    remove: tuple[str, ...]
    token: str | None = field(repr=False)
    hold: Held | None
    verdict: Verdict | None = None
    covered: int | None = None
    reconciled: datetime | None = None
    empty_since: datetime | None = None
    late: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What has not come in the listed version, whose ETag this is, by href."""
    there: Collection[str] = field(default=(), repr=False)
    """Hrefs of what the changes, or the listing, showed, whether it is to be fetched or not."""
    back: bool = False
    """Some of what it was to remove has come back since."""
    drift: Drift | None = Drift()
    """None: a full listing was compared, and no change could be asked for beside it."""
