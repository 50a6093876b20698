"""`make demo`: the product's story on a stack of its own, told line by line with its times."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from icloud_simulator.demo import APP_PASSWORD, APPLE_ID
from local_stack.checkout import CHECKOUT
from local_stack.crococlick import Crococlick, JsonObject
from local_stack.errors import CannotGoOn
from local_stack.iphone import Iphone
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

POLL_SECONDS: Final = 2
_PATIENCE: Final = 30.0
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


class StoryBroken(Exception):
    """Something of the story did not come true; the message says what."""


class Teller:
    """Tells each thing that came true, with the seconds since the story began."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def tell(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:7.2f} s  {line}", flush=True)

    def demand(self, fact: str, holds: Callable[[], bool], *, within: float = _PATIENCE) -> None:
        """Wait until `holds`, then tell the fact and how long it took. Raises StoryBroken."""
        since = time.monotonic()
        if not wait_until(holds, seconds=within):
            raise StoryBroken(f"not within {within:.0f} s: {fact}")
        self.tell(f"{fact} ({time.monotonic() - since:.2f} s)")


def main() -> int:
    """Tell the story; 0 when all of it came true, else 1 and the reason."""
    teller = Teller()
    try:
        with _stack(teller) as stack:
            story(stack, teller)
    except (StoryBroken, CannotGoOn) as broken:
        teller.tell(f"The story ends badly: {broken}")
        return 1
    teller.tell("All of it came true.")
    return 0


@contextmanager
def _stack(teller: Teller) -> Iterator[LocalStack]:
    data = CHECKOUT / ".local" / "demo"
    stack = LocalStack(data, ports="auto", seed="demo", env={"CALSYNC_POLL_INTERVAL": f"PT{POLL_SECONDS}S"})
    stack.up(say=teller.tell)
    try:
        teller.tell("MongoDB, Kafka, a simulated iCloud, connector, sync-worker and availability run")
        yield stack
    finally:
        stack.down()
    # After a story that ends badly the logs stay, to be read.
    shutil.rmtree(data, ignore_errors=True)


def story(stack: LocalStack, teller: Teller) -> None:
    """Tell it on a stack whose simulator holds the demo account. Raises StoryBroken."""
    with Crococlick(stack) as crococlick:
        connection = _connect(crococlick, teller)
        _import(crococlick, teller)
        phone = Iphone(stack.env["SIMULATOR_URL"], APPLE_ID, APP_PASSWORD)
        try:
            _live_on_the_iphone(crococlick, phone, teller)
            _book(crococlick, connection, phone, teller)
        finally:
            phone.close()
        if "CALSYNC_MONGODB_URL" in stack.env:  # else the databases are out of reach from here
            _rebuild(stack, teller)
        _disconnect(crococlick, connection, teller)


def _connect(crococlick: Crococlick, teller: Teller) -> JsonObject:
    refused = crococlick.connect(APPLE_ID, "aaaa-bbbb-cccc-dddd")
    _hold(refused.json().get("code") == "credentials_rejected", "a wrong password is refused")
    _hold(crococlick.connections() == [], "and leaves nothing behind")
    teller.tell("A wrong app-specific password is refused (credentials_rejected) and leaves nothing behind")
    answer = crococlick.connect(APPLE_ID, APP_PASSWORD)
    _hold(answer.status_code == httpx.codes.CREATED, f"connect answers 201, not {answer.status_code} {answer.text}")
    connection: JsonObject = answer.json()
    blocking = {c["id"] for c in connection["setup"]["conflict_calendars"]}
    names = [f"{c['name']}{'' if c['id'] in blocking else ' (not read)'}" for c in connection["calendars"]]
    teller.tell(f"Marie connects {connection['apple_id_hint']}: {', '.join(names)}")
    return connection


def _import(crococlick: Crococlick, teller: Teller) -> None:
    start = _midnight()
    teller.demand("Her calendars are imported", lambda: _state(crococlick) == "fresh")
    answer = crococlick.busy(start, start + 7 * _DAY)
    _hold(bool(answer["busy"]), "the coming week holds busy times")
    teller.tell(f"Busy in the coming seven days, as of {answer['as_of']}:")
    for span in answer["busy"]:
        teller.tell(f"    {span['start']}  to  {span['end']}")


def _live_on_the_iphone(crococlick: Crococlick, phone: Iphone, teller: Teller) -> None:
    # Three weeks ahead, before dawn: nothing of the demo account's life is there.
    first = _midnight() + 21 * _DAY + 2 * _HOUR
    then = first + 1 * _DAY
    _hold(
        not _is_busy(crococlick, first) and not _is_busy(crococlick, then), "the times of the story are free at first"
    )
    url = phone.add("Rendez-vous", first, first + _HOUR)
    teller.tell("On the iPhone an event is added")
    teller.demand("availability knows it", lambda: _is_busy(crococlick, first))
    phone.move(url, then, then + _HOUR)
    teller.tell("On the iPhone it is moved to the next day")
    teller.demand(
        "the new time is busy, the old one free", lambda: _is_busy(crococlick, then) > _is_busy(crococlick, first)
    )
    phone.delete(url)
    teller.tell("On the iPhone it is deleted")
    teller.demand("the time is free again", lambda: not _is_busy(crococlick, then))


def _book(crococlick: Crococlick, connection: JsonObject, phone: Iphone, teller: Teller) -> None:
    start, title = _midnight() + 21 * _DAY + 5 * _HOUR, "Coupe et couleur"
    linked = next(c for c in connection["calendars"] if c["name"] == phone.name)
    answer = crococlick.link(connection, linked["id"])
    _hold(answer.status_code == httpx.codes.OK, f"the setup answers 200, not {answer.status_code} {answer.text}")
    teller.tell(f"Marie lets appointments go to “{linked['name']}”")
    booked = crococlick.book(start, start + _HOUR, title)
    _hold(booked.status_code == httpx.codes.CREATED, f"booking answers 201, not {booked.status_code} {booked.text}")
    teller.tell("A customer books an hour; it is taken at once")
    again = crococlick.book(start + _HOUR / 2, start + 2 * _HOUR, "Quelqu'un d'autre")
    _hold(again.json().get("code") == "slot_taken", f"a second booking of the time is refused, not {again.status_code}")
    teller.tell("Somebody else who wants half of that hour is refused (slot_taken)")
    teller.demand("the appointment is on Marie's iPhone", lambda: phone.shows(title))
    one = booked.json()["id"]
    teller.demand("and CrocoClick knows it", lambda: crococlick.appointment(one)["export"]["state"] == "exported")
    _hold(crococlick.cancel(one).status_code == httpx.codes.NO_CONTENT, "cancelling answers 204")
    teller.tell("The appointment is cancelled")
    teller.demand("it has left the iPhone", lambda: not phone.shows(title))


def _rebuild(stack: LocalStack, teller: Teller) -> None:
    command = [sys.executable, "-P", "-m", "calsync_bootstrap", "verify"]
    done = subprocess.run(command, env={**os.environ, **stack.env}, capture_output=True, text=True, check=False)
    _hold(done.returncode == 0, f"the topics are enough: {done.stdout}{done.stderr}")
    rebuilt = next(line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line.startswith("rebuilt"))
    teller.tell("An empty database, filled from Kafka's topics alone, equals availability's own:")
    teller.tell(f"    {rebuilt}")


def _disconnect(crococlick: Crococlick, connection: JsonObject, teller: Teller) -> None:
    answer = crococlick.disconnect(connection["id"])
    _hold(answer.status_code == httpx.codes.ACCEPTED, f"disconnect answers 202, not {answer.status_code}")
    _hold(crococlick.connections() == [], "the connection is gone at once")
    teller.tell("Marie disconnects; the credential is erased at once")
    teller.demand(
        "her blocked slots are gone", lambda: _state(crococlick) == "not_connected" and not _weeks(crococlick)
    )


def _state(crococlick: Crococlick) -> str:
    return str(crococlick.busy(_midnight(), _midnight() + _DAY)["state"])


def _weeks(crococlick: Crococlick) -> list[JsonObject]:
    return list(crococlick.busy(_midnight(), _midnight() + 90 * _DAY)["busy"])


def _is_busy(crococlick: Crococlick, start: datetime) -> bool:
    return bool(crococlick.busy(start, start + _HOUR)["busy"])


def _midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _hold(fact: bool, said: str) -> None:  # noqa: FBT001 -- a fact that must hold, nothing forks on it
    if not fact:
        raise StoryBroken(f"it does not hold that {said}")
