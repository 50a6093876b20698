"""The day's work on one calendar: what enters the horizon, and whether a full listing agrees with what is kept."""

from collections.abc import Mapping
from datetime import datetime

from icloud import event_id
from sync_worker.application.ask_changes import AskChanges, Told
from sync_worker.application.compare_calendar import (
    CompareCalendar,
    Compared,
    believed,
    contents_of,
    listed_in,
    shown_of,
)
from sync_worker.application.course import Course
from sync_worker.application.reading import Drift, Reading
from sync_worker.domain.changes import EDGE
from sync_worker.domain.guard import Confirm, Hold
from sync_worker.domain.holds import after_listing
from sync_worker.domain.passes import Step
from sync_worker.domain.values import Span


class Reconcile:
    """Lists the horizon and its newest days, then asks what changed.

    In this order, so that whatever happens in between is told by the changes: what the listing alone shows is drift.
    """

    def __init__(self, compare: CompareCalendar, changes: AskChanges) -> None:
        self._compare = compare
        self._changes = changes

    async def __call__(self, course: Course, step: Step) -> Reading:
        """Raises what the account raises, except TokenDead."""
        shown, window = shown_of(step), course.look.horizon
        compared = await self._compare(course.claim, course.account, step, window)
        entering = await self._entering(course, step)
        contents = await contents_of(course.account, shown) if step.empty_since else {}
        told = await self._changes.since_kept(course, step)
        fetch = {**compared.hidden(contents or {}), **compared.fetch, **_to_extend(compared, entering, window)}
        unlisted = compared.unlisted
        if told is not None:
            fetch = dict(told.over(fetch))
            unlisted -= told.changes.changed.keys()
        found = await believed(compared, course.account, shown, unlisted)
        said = found.said
        if told is not None and isinstance(said, Confirm):
            said = told.said
        remove = tuple(dict.fromkeys(compared.ids(found.missing) + (told.remove if told else ())))
        known, missing = len(compared.counted(compared.kept)), len(compared.counted_ids(remove))
        guarded = after_listing(step.hold, said, known=known, missing=missing, now=course.now)
        return Reading(
            step=step,
            shown=shown,
            fetch={**fetch, **found.moved},
            remove=remove if guarded.remove else (),
            token=told.changes.token if told else shown.token,
            hold=guarded.hold,
            verdict=guarded.verdict,
            # A listing that is not believed proves nothing of the new days either.
            covered=None if isinstance(found.said, Hold) else window.end,
            reconciled=course.now,
            empty_since=_doubted_since(course, step, told, contents) if compared.bare else None,
            drift=_drift(course, compared, entering, told) if told else None,
        )

    async def _entering(self, course: Course, step: Step) -> Mapping[str, str]:
        """What has an instance in the days that the horizon has gained."""
        window, covered = course.look.horizon, step.tracked.covered if step.tracked else 0
        if covered >= window.end:
            return {}
        return await listed_in(course.account, shown_of(step), Span(max(covered - EDGE, window.start), window.end))


def _doubted_since(
    course: Course, step: Step, told: Told | None, contents: Mapping[str, str] | None
) -> datetime | None:
    """Since when it is in doubt whether a calendar is empty of which nothing is known and nothing was listed.

    Without changes such a listing is as good as a first one.
    """
    if step.empty_since:
        return step.empty_since if contents is None else None
    token = step.tracked.token if step.tracked else None
    return course.now if token is not None and told is None else None


def _to_extend(compared: Compared, entering: Mapping[str, str], window: Span) -> Mapping[str, str]:
    """What has not been read so far ahead and reaches into the new days, or is listed though no time of it is known.

    That which a listing of the new days left out, once they were new, is never among what enters again.
    """
    behind = {href for href, one in compared.kept.items() if not (one.horizon and one.horizon.end >= window.end)}
    timeless = {href for href in behind if compared.kept[href].extent is None and not compared.kept[href].quarantine}
    listed = {href: etag for href, etag in compared.listed.items() if href in timeless}
    return listed | {href: etag for href, etag in entering.items() if href in behind or href not in compared.kept}


def _drift(course: Course, compared: Compared, entering: Mapping[str, str], told: Told) -> Drift:
    """Without what changes told, what the new days bring, what is waited for anyway, and what is as it was listed."""
    news = {}
    for href in compared.fetch.keys() - told.changes.changed.keys() - told.changes.removed:
        known = compared.kept.get(href)
        if known is None and href not in entering:
            news[event_id(course.claim.connection_id, href)] = 0
        elif known is not None and known.quarantine is None and known.etag != compared.fetch[href]:
            news[known.event_id] = known.revision
    extra = compared.unlisted - told.changes.changed.keys() - told.changes.removed
    return Drift(news, frozenset(compared.ids(extra)))
