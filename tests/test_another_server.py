"""The main job with a server that we did not write in iCloud's place: Radicale, and python-caldav on the other side."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from apple_users import PARIS
from caldav_servers import Person, radicale
from lives import objects
from local_stack.crococlick import Crococlick
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until
from oracle import Interval, busy

pytestmark = [pytest.mark.servers, pytest.mark.story]
PATIENCE = 60
WEEKS = timedelta(weeks=8)


async def test_busy_minutes_on_radicale_are_those_of_the_oracle(tmp_path: Path) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    life = {name.removesuffix(".ics"): text for name, text in objects(Random(5232), today, 60)}
    stays = dict(list(life.items())[:40])
    async with radicale(tmp_path) as server:
        person = await server.person()
        await person.adds("home", life)
        stack = LocalStack(tmp_path / "stack", icloud_url=server.entry, env={"CALSYNC_POLL_INTERVAL": "PT1S"})
        await asyncio.to_thread(stack.up)
        try:
            crococlick = Crococlick(stack)
            await asyncio.to_thread(_connect, crococlick, person)
            everything = busy(life.values(), today, today + WEEKS, zone=PARIS, me=person.credential.apple_id)
            assert await asyncio.to_thread(_believes, crococlick, today, everything)

            for name in life.keys() - stays.keys():
                await person.removes("home", name)
            what_stays = busy(stays.values(), today, today + WEEKS, zone=PARIS, me=person.credential.apple_id)
            assert await asyncio.to_thread(_believes, crococlick, today, what_stays)
            crococlick.close()
        finally:
            await asyncio.to_thread(stack.down)


def _connect(crococlick: Crococlick, person: Person) -> None:
    answer = crococlick.connect(person.credential.apple_id, person.credential.app_password)
    assert answer.status_code == 201, answer.text


def _believes(crococlick: Crococlick, start: datetime, expected: list[Interval]) -> bool:
    def holds() -> bool:
        answer = crococlick.busy(start, start + WEEKS)
        told = [(datetime.fromisoformat(s["start"]), datetime.fromisoformat(s["end"])) for s in answer["busy"]]
        return bool(answer["state"] == "fresh" and told == expected)

    return wait_until(holds, seconds=PATIENCE)
