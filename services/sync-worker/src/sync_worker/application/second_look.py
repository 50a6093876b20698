"""Removals that were held, looked at again in two ways."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sync_worker.application.ask_changes import AskChanges
from sync_worker.application.compare_calendar import CompareCalendar, Compared, contents_of, none_comes, shown_of
from sync_worker.application.course import Course
from sync_worker.application.reading import Reading
from sync_worker.domain.guard import matters
from sync_worker.domain.holds import Held, SecondLook, Settlement, Verdict, Wish, hold, looked
from sync_worker.domain.passes import Step
from sync_worker.domain.tracked import Shown

_SETTLED: Final = (Verdict.CONFIRMED, Verdict.DROPPED)


class LookAgain:
    """Lists a calendar by its window, then by its contents, and asks for some of what both miss by name.

    What changed is asked last: a listing may not show it yet, and the token that comes with it is gone on from.
    """

    def __init__(self, compare: CompareCalendar, changes: AskChanges) -> None:
        self._compare = compare
        self._changes = changes

    async def __call__(self, course: Course, step: Step, held: Held) -> Reading:
        """Raises what the account raises, except TokenDead."""
        shown, meant, now = shown_of(step), step.wish is Wish.CONFIRM, course.now
        compared = await self._compare(course.claim, course.account, step, course.look.horizon)
        contents = await contents_of(course.account, shown)
        told = await self._changes.since_kept(course, step)
        moved = _moved(compared, contents or {})
        changed = frozenset(moved.keys() | (told.changes.changed.keys() if told else set()))
        settled = _looked_at(compared, contents, changed).settle(held, now, meant=meant)
        if settled.verdict in _SETTLED:
            settled = replace(settled, missing=settled.missing | _undoubted_gone(compared, contents, changed))
        if not meant:
            settled = await self._asked_by_name(course, shown, settled)
        removed = compared.ids(settled.missing)
        named = tuple(one for one in told.remove if one not in removed) if told else ()
        reading = Reading(
            step=step,
            shown=shown,
            fetch=told.over({**compared.fetch, **moved}) if told else {**compared.fetch, **moved},
            remove=(),
            token=told.changes.token if told else shown.token,
            hold=looked(held, now),
            empty_since=step.empty_since,
        )
        match settled.verdict:
            case Verdict.CONFIRMED | Verdict.DROPPED if matters(len(compared.counted_ids(named))):
                # So many went while we looked: another look finds them.
                return reading
            case Verdict.CONFIRMED | Verdict.DROPPED as verdict:
                return replace(reading, remove=removed + named, hold=None, verdict=verdict)
            case Verdict.GROWN:
                known = len(compared.counted(compared.kept))
                grown = hold(held.doubt, known=known, missing=len(settled.missing), now=now)
                return replace(reading, hold=replace(grown, kept_until=held.kept_until))
            case Verdict.STILL:
                return reading

    async def _asked_by_name(self, course: Course, shown: Shown, settled: Settlement) -> Settlement:
        """What is about to be removed must not come when it is asked for."""
        removing = settled.verdict in _SETTLED and settled.missing
        if removing and not await none_comes(course.account, shown, settled.missing):
            return Settlement(Verdict.STILL)
        return settled


def _looked_at(compared: Compared, contents: Mapping[str, str] | None, changed: frozenset[str]) -> SecondLook:
    """What both ways say; `changed` is there, whatever they show."""
    return SecondLook(
        known=compared.counted(compared.kept),
        listed=frozenset(compared.listed),
        unlisted=compared.counted(compared.unlisted) - changed - (compared.timeless & (contents or {}).keys()),
        provable=compared.provable,
        contents=None if contents is None else frozenset(contents.keys() | changed),
    )


def _undoubted_gone(compared: Compared, contents: Mapping[str, str] | None, changed: frozenset[str]) -> frozenset[str]:
    """What the guard does not count and none of the answers shows."""
    gone = compared.unlisted if contents is None else compared.kept.keys() - contents.keys() - compared.listed.keys()
    return frozenset(gone & compared.undoubted) - changed


def _moved(compared: Compared, contents: Mapping[str, str]) -> Mapping[str, str]:
    """What the listing left out and has changed: it has only moved out of the window."""
    return {
        href: contents[href]
        for href in compared.unlisted
        if contents.get(href) and contents[href] != compared.kept[href].etag
    }
