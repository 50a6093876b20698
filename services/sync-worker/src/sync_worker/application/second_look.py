"""Removals that were held, looked at again in two ways."""

from collections.abc import Mapping
from dataclasses import replace

from icloud import Forbidden, NotUnderstood, TryLater
from sync_worker.application.compare_calendar import CompareCalendar, Compared, none_comes, shown_of
from sync_worker.application.course import Course
from sync_worker.application.reading import Reading
from sync_worker.domain.holds import Held, SecondLook, Settlement, Verdict, Wish, hold, looked
from sync_worker.domain.passes import Step
from sync_worker.domain.tracked import Shown


class LookAgain:
    """Lists a calendar by its window, then by its contents, and asks for some of what both miss by name."""

    def __init__(self, compare: CompareCalendar) -> None:
        self._compare = compare

    async def __call__(self, course: Course, step: Step, held: Held) -> Reading:
        """Raises what the account raises."""
        shown, meant, now = shown_of(step), step.wish is Wish.CONFIRM, course.look.as_of
        compared = await self._compare(course.claim, course.account, step, course.look.horizon)
        contents = await self._contents(course, shown)
        moved = _moved(compared, contents or {})
        look = SecondLook(
            known=frozenset(compared.kept),
            listed=frozenset(compared.listed),
            unlisted=compared.unlisted - moved.keys(),
            provable=compared.provable,
            contents=None if contents is None else frozenset(contents),
        )
        settled = look.settle(held, now, meant=meant)
        if not meant:
            settled = await self._asked_by_name(course, shown, settled)
        reading = Reading(
            step=step,
            shown=shown,
            fetch={**compared.fetch, **moved},
            remove=(),
            token=shown.token,
            hold=looked(held, now),
        )
        match settled.verdict:
            case Verdict.CONFIRMED | Verdict.DROPPED as verdict:
                return replace(reading, remove=compared.ids(settled.missing), hold=None, verdict=verdict)
            case Verdict.GROWN:
                grown = hold(held.doubt, known=len(compared.kept), missing=len(settled.missing), now=now)
                return replace(reading, hold=replace(grown, kept_until=held.kept_until))
            case Verdict.STILL:
                return reading

    async def _contents(self, course: Course, shown: Shown) -> Mapping[str, str] | None:
        """Everything that lies in the calendar; None where the server cannot tell."""
        try:
            return await course.account.contents(shown.path)
        except (Forbidden, NotUnderstood):
            return None
        except TryLater as later:
            if later.after is not None:
                raise
            return None

    async def _asked_by_name(self, course: Course, shown: Shown, settled: Settlement) -> Settlement:
        """What is about to be removed must not come when it is asked for."""
        removing = settled.verdict in (Verdict.CONFIRMED, Verdict.DROPPED) and settled.missing
        if removing and not await none_comes(course.account, shown, settled.missing):
            return Settlement(Verdict.STILL)
        return settled


def _moved(compared: Compared, contents: Mapping[str, str]) -> Mapping[str, str]:
    """What the listing left out and has changed: it has only moved out of the window."""
    return {
        href: contents[href]
        for href in compared.unlisted
        if contents.get(href) and contents[href] != compared.kept[href].etag
    }
