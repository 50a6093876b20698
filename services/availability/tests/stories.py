"""The stories of the service, told in one line."""

from datetime import timedelta
from itertools import chain, repeat

from services.availability.tests.examples import ACCOUNT, DAY, NOW, TODAY, USER

from availability.application.answer import Answers
from availability.application.record_connections import ConnectionEvent, RecordConnections
from availability.application.record_events import EventNews, RecordEvents
from availability.application.record_syncs import Reach, ReachOf, RecordSyncs, SaidAt, SyncNews
from availability.application.timeline import Timeline
from availability.domain.busy import Busy
from availability.domain.intervals import Window
from availability.domain.users import User


async def events(timeline: Timeline, *news: EventNews) -> None:
    await RecordEvents(timeline)(news)


async def connections(timeline: Timeline, *news: ConnectionEvent) -> None:
    await RecordConnections(timeline)(news)


def up_to(*applied: int, end: int = 10) -> ReachOf:
    """The events are applied so far, one by one each time it is asked, and at last always so far; they end there."""
    told = chain(applied, repeat(applied[-1]))

    async def reach(_partition: int) -> Reach:
        return Reach(next(told), end)

    return reach


async def syncs(timeline: Timeline, *news: SyncNews) -> None:
    await RecordSyncs(timeline, lambda: NOW, up_to(10))(
        [SaidAt(piece, NOW, 0, offset) for offset, piece in enumerate(news)]
    )


async def ask(timeline: Timeline, *, user: str = USER, account: str = ACCOUNT, days: int = 7) -> Busy:
    """When a user is busy from TODAY on, asked at NOW."""
    answers = Answers(timeline, lambda: NOW, timedelta(minutes=30))
    return await answers.busy(User(account, user), Window(TODAY, TODAY + days * DAY))
