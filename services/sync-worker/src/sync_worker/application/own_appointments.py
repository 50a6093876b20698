"""Which of the objects that come from iCloud are appointments of the user's own."""

from collections.abc import AsyncIterator, Sequence

from icloud import CalendarObject, Missing
from sync_worker.application.claim import Claim
from sync_worker.application.import_objects import Source
from sync_worker.application.jobs import Jobs
from sync_worker.domain.appointments import is_marked


class OwnAppointments:
    """The names of the user's appointments, filled in as soon as a pass meets an object that bears a mark of ours.

    The mark alone says nothing: another user's appointments bear it too, in calendars that both see. The store is asked
    once in a pass at most, and not at all where nothing bears the mark.
    """

    def __init__(self, jobs: Jobs, claim: Claim, source: Source) -> None:
        self._jobs = jobs
        self._claim = claim
        self._source = source
        self._asked = False
        self.names: set[str] = set()

    async def objects(self, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
        """What the source hands out; the names are known before the first that bears a mark."""
        async for one in self._source.objects(path, hrefs):
            if not self._asked and isinstance(one, CalendarObject) and is_marked(one.text):
                self.names.update(await self._jobs.names(self._claim))
                self._asked = True
            yield one
