"""Questions about users' time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from availability.application.timeline import Timeline
from availability.domain.busy import Busy, busy
from availability.domain.freetime import bookable, free
from availability.domain.freshness import Ageing, Freshness
from availability.domain.intervals import Span, Window
from availability.domain.preview import Choice, Preview, preview
from availability.domain.users import User
from availability.domain.why import Why, why
from runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Need:
    """Open time that somebody looks for, in seconds; `step` asks for starts on a grid."""

    duration: int
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Free:
    """Open time, sorted, and how well it is known."""

    spans: tuple[Span, ...]
    freshness: Freshness


class Answers:
    """Tells what is known of users' time, and how old that knowledge is. Users without a connection are told as such.

    Every call may raise AskLater.
    """

    def __init__(self, timeline: Timeline, clock: Clock, stale_after: timedelta) -> None:
        self._timeline = timeline
        self._clock = clock
        self._stale_after = stale_after

    async def busy(self, user: User, window: Window) -> Busy:
        """When a user is busy."""
        return busy(await self._timeline.known(*user, window), window, self._ageing())

    async def busy_of(self, account_id: str, user_ids: Collection[str], window: Window) -> Mapping[str, Busy]:
        """When each of several users of one account is busy."""
        everybody = await self._timeline.known_of(account_id, user_ids, window)
        ageing = self._ageing()
        return {user_id: busy(known, window, ageing) for user_id, known in everybody.items()}

    async def free(self, user: User, window: Window, need: Need) -> Free:
        """When a user can be booked. Raises TooManyStarts."""
        found = await self.busy(user, window)
        if need.step is None:
            return Free(free(found.spans, window, need.duration), found.freshness)
        return Free(bookable(found.spans, window, need.duration, need.step), found.freshness)

    async def why(self, user: User, window: Window, *, titles: bool) -> Why:
        """What makes a user busy, and what was seen and ignored; `titles`: whether the asker may see them."""
        return why(await self._timeline.in_detail(*user, window), window, self._ageing(), titles=titles)

    async def preview(self, user: User, window: Window, choice: Choice) -> Preview:
        """The same under other conflict calendars than the user's, without titles."""
        ageing = self._ageing()
        known = await self._timeline.in_detail(*user, window)
        all_day = await self._timeline.all_day_free(*user, int(ageing.now.timestamp()))
        return preview(known, choice, window, ageing, all_day)

    def _ageing(self) -> Ageing:
        return Ageing(self._clock(), self._stale_after)
