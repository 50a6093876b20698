"""A storm: everything changes at iCloud while everything goes wrong; in the end all must believe the truth."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from threading import Event
from typing import Any, Final

from pymongo import MongoClient

from contracts.events import RequestReason, SyncRequested
from local_stack.waiting import wait_until
from storm_availability import UNGUARDED
from storm_changes import EVERYTHING, Life
from storm_keeper import Keeper, drawn, trouble_availability
from storm_orders import POINTS, Deed, Order
from storm_reader import Reader
from storm_sea import Sea
from storm_topics import dead_letters, everything, lag, say, say_again
from storm_verdict import Subject, Witnesses, differences
from storm_weather import Weather

_PATIENCE: Final = 240.0
_PASSES_AFTER: Final = 3
"""The first pass that ends after the storm may have begun in it; two more see everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How hard it blows."""

    seed: int
    people: int = 8
    objects: int = 30
    """In each of a person's two calendars at the beginning."""
    changes: int = 1_000
    a_second: float = 40.0
    kinds: Mapping[str, int] = field(default_factory=lambda: EVERYTHING)
    kills: int = 16
    freezes: int = 2
    orders: tuple[Order, ...] = ()
    """Instead of kills and freezes that are drawn."""
    troubles: int = 2
    """Availability is killed, or made to read again, in turn."""
    faults: bool = True
    throttles: int = 0
    unguarded: bool = False
    """Whether availability forgets to compare revisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done, and what is wrong after it: nothing, if all is well."""

    plan: Plan
    changes: int
    points: Counter[str]
    faults: Counter[str]
    repeated: int
    seconds: float
    wrong: list[str]

    def __str__(self) -> str:
        plan, killed = self.plan, sum(self.points[f"{Deed.DIE} {point}"] for point in POINTS)
        summary = (
            f"storm: seed {plan.seed}, {self.changes} changes by {plan.people} people in {self.seconds:.0f} s; "
            f"workers killed {killed} times, availability troubled {plan.troubles} times, "
            f"{sum(self.faults.values())} faults, {self.repeated} old records repeated"
        )
        wrong = (f"  WRONG: {one}" for one in self.wrong)
        return "\n".join([summary, f"  points: {_counted(self.points)}", f"  faults: {_counted(self.faults)}", *wrong])


class Storm:
    """One storm; several may follow one another over one sea, each with people of its own."""

    def __init__(self, over: Sea, plan: Plan) -> None:
        over.orders.clear()
        self._sea = over
        self._plan = plan
        self._random = Random(plan.seed)
        self._today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._subjects: list[Subject] = []
        self._lives: list[Life] = []
        self._changes = 0
        self._confirmed: set[tuple[str, str]] = set()
        wanted = list(plan.orders or drawn(self._random, plan.kills, plan.freezes))
        self._keeper = Keeper(over.stack, over.orders, wanted)

    def run(self) -> Report:
        """Connect everybody, blow, wait until all is calm and said, compare once."""
        began = time.monotonic()
        (self._sea.orders.folder / UNGUARDED).unlink(missing_ok=True)
        for _ in range(self._plan.people):
            self._connect()
        _demand("the first import", self._imported)
        if self._plan.unguarded:
            (self._sea.orders.folder / UNGUARDED).touch()
        weather = self._weather()
        over = Event()
        with ThreadPoolExecutor(max_workers=2) as threads:
            hands = [threads.submit(self._keeper.run, over), threads.submit(weather.run, over)]
            try:
                self._rage(hands)
                self._calm(weather, hands)
            finally:
                over.set()
        for hand in hands:
            hand.result()
        repeated = say_again(self._sea.kafka, self._random, self._ids)
        _demand("availability", lambda: lag(self._sea.kafka) == 0)
        return Report(
            plan=self._plan,
            changes=self._changes,
            points=self._keeper.points(),
            faults=weather.faults,
            repeated=repeated,
            seconds=time.monotonic() - began,
            wrong=list(self._wrong()),
        )

    @property
    def _ids(self) -> list[str]:
        return [subject.connection_id for subject in self._subjects]

    def _connect(self) -> None:
        person = self._sea.users.person()
        life = Life(self._sea.apple, person.apple, Random(self._random.getrandbits(64)), self._today)
        life.begin(self._plan.objects)
        answer = person.crococlick.connect(person.apple.apple_id, person.apple.app_password)
        self._lives.append(life)
        self._subjects.append(Subject(person, str(answer.raise_for_status().json()["id"])))

    def _imported(self) -> bool:
        return all(self._sea.users.state(subject.person) == "fresh" for subject in self._subjects)

    def _weather(self) -> Weather:
        connections = {subject.person.apple.apple_id: subject.connection_id for subject in self._subjects}
        random = Random(self._random.getrandbits(64))
        weather = Weather(self._sea.apple, self._sea.mongodb, connections, random)
        weather.throttles = self._plan.throttles
        if not self._plan.faults:
            weather.calm.set()
        return weather

    def _rage(self, hands: list[Future[None]]) -> None:
        """All the changes, and as many more as it takes until everything that was ordered has been suffered."""
        plan, began, pace = self._plan, time.monotonic(), Event()
        latest = began + 3 * plan.changes / plan.a_second + _PATIENCE
        troubled = {plan.changes * (n + 1) // (plan.troubles + 2): n for n in range(plan.troubles)}
        while self._changes < plan.changes or (self._keeper.left and time.monotonic() < latest):
            self._random.choice(self._lives).change(plan.kinds)
            self._changes += 1
            if self._changes in troubled:
                trouble_availability(self._sea.stack, self._random, gently=troubled[self._changes] % 2 == 0)
                say_again(self._sea.kafka, self._random, self._ids)
            _demand_alive(hands)
            pace.wait(max(0.0, began + self._changes / plan.a_second - time.monotonic()))

    def _calm(self, weather: Weather, hands: list[Future[None]]) -> None:
        """Return when whatever was going to be said about the changes has been said, right or wrong."""
        self._sea.orders.calm = True
        weather.calm.set()

        def well() -> bool:
            _demand_alive(hands)
            return self._keeper.all_well

        _demand("the workers", well)
        before = {one["_id"]: one["passes"] for one in self._kept()}

        def unsettled() -> list[str]:
            _demand_alive(hands)
            self._confirm_removals()
            told = [f"{one['_id']}: {why}" for one in self._kept() if (why := _unsettled(one, before[one["_id"]]))]
            return [*told, *(["states are pending"] if self._pending() else [])]

        _demand("the passes", lambda: not unsettled(), why=unsettled)
        _demand("availability", lambda: lag(self._sea.kafka) == 0)

    def _confirm_removals(self) -> None:
        """Who is asked whether so much was really deleted says yes, once for each question."""
        subjects = {subject.connection_id: subject for subject in self._subjects}
        for connection in self._kept():
            calendars = connection.get("calendars", {})
            held = {(one, str(tracked["hold"]["since"])) for one, tracked in calendars.items() if tracked.get("hold")}
            if new := held - self._confirmed:
                self._confirmed |= new
                crococlick = subjects[connection["_id"]].person.crococlick
                request = SyncRequested(
                    account_id=crococlick.account,
                    user_id=crococlick.user,
                    connection_id=connection["_id"],
                    epoch=1,
                    revision=1,
                    reason=RequestReason.USER,
                    requested_at=int(time.time()),
                    confirm_removals=tuple(one for one, _ in new),
                )
                say(self._sea.kafka, request)

    def _wrong(self) -> Iterator[str]:
        sea_, reader = self._sea, Reader()
        reader.read(everything(sea_.kafka))
        yield from differences(self._subjects, Witnesses(sea_.apple, sea_.users, reader, sea_.mongodb, self._today))
        if twice := [one for one, count in sea_.orders.commits().items() if count > 1]:
            yield f"passes that were ended twice: {twice}"
        if self._keeper.left:
            yield f"{self._keeper.left} orders were not carried out"
        if self._keeper.unbidden:
            yield f"{self._keeper.unbidden} workers ended by themselves"
        if dead := dead_letters(sea_.kafka):
            yield f"{dead} dead letters"

    def _kept(self) -> list[dict[str, Any]]:
        with MongoClient[dict[str, Any]](self._sea.mongodb) as client:
            return list(client["sync"]["connections"].find({"_id": {"$in": self._ids}}))

    def _pending(self) -> int:
        with MongoClient[dict[str, Any]](self._sea.mongodb) as client:
            return client["sync"]["objects"].count_documents({"pending": True})


def _unsettled(connection: Mapping[str, Any], before: int) -> str:
    """Empty when its last passes were complete ones, and enough of them."""
    calendars = connection.get("calendars", {})
    behind = {one: tracked for one, tracked in calendars.items() if tracked.get("failures") or tracked.get("hold")}
    if behind or connection.get("failures"):
        return f"{connection.get('failures')} failures, behind: {behind}"
    passes = connection["passes"] - before
    return "" if passes >= _PASSES_AFTER else f"{passes} passes"


def _demand(what: str, holds: Callable[[], bool], *, why: Callable[[], object] = lambda: "") -> None:
    if not wait_until(holds, seconds=_PATIENCE):
        raise AssertionError(f"{what}: not there after {_PATIENCE:.0f} s. {why()}")


def _demand_alive(hands: list[Future[None]]) -> None:
    for hand in hands:
        if hand.done():
            hand.result()


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"
