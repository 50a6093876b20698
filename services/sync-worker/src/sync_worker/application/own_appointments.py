"""Which of the objects that come from iCloud are appointments of the user's own."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from icloud import CalendarObject, Missing
from sync_worker.application.claim import Claim
from sync_worker.application.import_objects import Source
from sync_worker.application.jobs import Jobs
from sync_worker.application.publish_states import BATCH, PublishStates, digest
from sync_worker.domain.appointments import is_marked, lies_where_we_put_it, names_in, uid_in
from sync_worker.domain.outbox import Imported, Known, Refresh, State
from sync_worker.domain.ownership import Own, frees_nothing, takes_no_other_time
from sync_worker.domain.values import Span


class OwnAppointments:
    """The user's appointments, filled in as soon as a pass meets an object that bears a mark of ours.

    The mark alone says nothing: another user's appointments bear it too, in calendars that both see. The store is asked
    once in a pass at most, and not at all where nothing bears the mark.
    """

    def __init__(self, jobs: Jobs, claim: Claim, source: Source) -> None:
        self._jobs = jobs
        self._claim = claim
        self._source = source
        self._asked = False
        self.names = dict[str, Span | None]()

    async def objects(self, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
        """What the source hands out; the appointments are known before the first that bears a mark."""
        async for one in self._source.objects(path, hrefs):
            if not self._asked and isinstance(one, CalendarObject) and is_marked(one.text):
                self.names.update(await self._jobs.own(self._claim))
                self._asked = True
            yield one


class Undoubted:
    """Which kept objects may go in any number: those that take no time, and those that CrocoClick has cancelled.

    The latter we take away ourselves, wherever the user may have moved them. The store is asked only where one of our
    objects takes a time of its own.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def __call__(self, claim: Claim, kept: Iterable[Known]) -> frozenset[str]:
        """Their hrefs."""
        ours = [one for one in kept if lies_where_we_put_it(one.href)]
        undoubted = {one.href for one in ours if frees_nothing(one)}
        if len(undoubted) < len(ours):
            own = await self._jobs.own(claim)
            cancelled = {name for name, span in own.items() if span is None}
            undoubted |= {one.href for one in ours if names_in(uid_in(one.href), "")[0] in cancelled}
        return frozenset(undoubted)


class Tied(Protocol):
    """The kept objects of which an appointment's time decides whether they are the user's own."""

    async def tied(self, claim: Claim) -> Sequence[Imported]:
        """All of them."""

    async def write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None:
        """All or nothing; states wait for publication from here on. Raises LeaseLost."""


class FollowAppointments:
    """What is an appointment of the user's by its time alone is none any more once another time is agreed on.

    Nothing is asked of iCloud: the object is as it was.
    """

    def __init__(self, objects: Tied, jobs: Jobs, publish: PublishStates) -> None:
        self._objects = objects
        self._jobs = jobs
        self._publish = publish

    async def __call__(self, claim: Claim) -> None:
        """Have kept objects say what they are by now. Raises LeaseLost."""
        tied = await self._objects.tied(claim)
        if not tied:
            return
        own = await self._jobs.own(claim)
        news = [new for one in tied if (new := _followed(claim, one, own))]
        for start in range(0, len(news), BATCH):
            await self._objects.write(claim, news[start : start + BATCH])
            await self._publish(claim, news[start : start + BATCH])


def _followed(claim: Claim, state: Imported, own: Own) -> Imported | None:
    spans = [span for group in state.content.groups for span in group.spans]
    is_own = takes_no_other_time(spans, state.origin.tied_to if state.origin else (), own)
    groups = tuple(replace(group, facts=replace(group.facts, own_appointment=is_own)) for group in state.content.groups)
    content = replace(state.content, groups=groups)
    if content == state.content:
        return None
    said = digest(claim, state.event_id, state.calendar_id, content)
    return replace(state, epoch=claim.epoch, revision=state.revision + 1, digest=said, content=content)
