"""Somebody else's server, which writes every object anew in its own way."""

from datetime import timedelta
from pathlib import Path

import pytest

from caldav_servers import Person, radicale
from icloud import Endpoint, ICloud, ListedCalendar, calendar_id
from sync_worker.application.accounts import WritableAccount
from sync_worker.application.claim import Claim
from worker_appointments import START, Desk, booked, cancelled, linked, rescheduled
from worker_examples import HOUR
from worker_stage import Stage

pytestmark = pytest.mark.servers

ONE = "a" * 32
NOTES = 'Allergique\u00a0:\n- "ammoniaque"; henné, \\N \\n\n' + "x" * 200


class Opened:
    """Accounts of one person."""

    def __init__(self, icloud: ICloud, person: Person) -> None:
        self._icloud = icloud
        self._person = person

    async def open(self, claim: Claim) -> WritableAccount:
        credential = self._person.credential
        return self._icloud.account(credential, claim.home.open(credential))


async def test_an_appointments_life_on_radicale(tmp_path: Path) -> None:
    async with radicale(tmp_path) as server:
        person = await server.person()
        await person.makes_calendar("work")
        async with ICloud(Endpoint(server.entry, ("127.0.0.1", "localhost"))) as icloud:
            account = icloud.account(person.credential)
            calendars = {one.path.split("/")[-2]: one for one in await account.calendars()}
            desk = Desk(Stage())
            stage = desk.stage
            worker = stage.worker(stage.neighbours(Opened(icloud, person)))

            async def link(revision: int, *named: str) -> None:
                ids = [calendar_id(stage.connection_id, calendars[name].path) for name in named]
                await stage.store.connections.follow(linked(stage.connection_id, *ids, revision=revision))

            async def passes(times: int = 1) -> None:
                for _ in range(times):
                    await worker(await stage.claim())
                    stage.now += timedelta(minutes=10)

            async def holds(calendar: ListedCalendar) -> list[str]:
                found = account.objects(calendar.path, list(await account.contents(calendar.path)))
                return [getattr(one, "text", "") async for one in found]

            await link(1, "home", "work")
            await passes()
            await desk.hear(booked(ONE, notes=NOTES))
            await passes(3)
            await desk.hear(rescheduled(ONE, 2, notes=NOTES, start=START + HOUR, end=START + 2 * HOUR))
            await passes(3)
            (there,) = await holds(calendars["home"])
            await link(2, "work", "home")
            await passes(2)
            moved = len(await holds(calendars["home"])), len(await holds(calendars["work"]))
            await desk.hear(cancelled(ONE, 3))
            await passes(2)

            assert "T120000" in there
            assert moved == (0, 1)
            assert await holds(calendars["work"]) == []
            assert desk.told() == [("exported", 1), ("exported", 2), ("exported", 2), ("exported", 3)]
