"""People of the tests: an Apple account in the simulator, a user in CrocoClick."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from lives import object_of, objects
from local_stack.crococlick import Crococlick
from local_stack.stack import LocalStack
from oracle import Interval, busy

PARIS: Final = ZoneInfo("Europe/Paris")
CANARY: Final = "qzxj-vkwy"
"""How every password of these people begins, so that one search finds any of them."""
APPLE_IDS_BEGIN: Final = "canary."
WRONG_PASSWORD: Final = f"{CANARY}-{CANARY}"
_BLOCKING: Final = ("home", "work")
_WEEKS_AHEAD: Final = 8


@dataclass(frozen=True, slots=True)
class Person:
    """An Apple user with a CrocoClick login; `crococlick` speaks for them."""

    apple: SimulatedAccount
    crococlick: Crococlick

    @property
    def user(self) -> str:
        return self.crococlick.user

    def connect(self) -> None:
        """Raises httpx.HTTPStatusError where they are refused."""
        self.crococlick.connect(self.apple.apple_id, self.apple.app_password).raise_for_status()

    def link_home(self) -> None:
        """Let their appointments go to the calendar `home`."""
        (connection,) = self.crococlick.connections()
        home = next(one for one in connection["calendars"] if one["name"] == "Home")
        self.crococlick.link(connection, home["id"]).raise_for_status()


class AppleUsers:
    """Makes people."""

    def __init__(self, stack: LocalStack, apple: SimulatorAdmin) -> None:
        self._stack = stack
        self._apple = apple
        self._numbers = count(1)
        self._people: list[Person] = []

    def person(self, *, life: Iterable[tuple[str, str]] = (), account: str | None = None) -> Person:
        """Somebody new, in a CrocoClick account of their own unless one is named, with `life` in `home`."""
        number = next(self._numbers)
        apple = self._apple.create_account(f"{APPLE_IDS_BEGIN}{number}@icloud.com", app_password=_password(number))
        texts = dict(life)
        if texts:
            self._apple.put_objects(apple.apple_id, "home", texts)
        person = Person(apple, Crococlick(self._stack, account=account or f"acc-{number}", user=f"usr-{number}"))
        self._people.append(person)
        return person

    def believed(self, person: Person, start: datetime) -> list[Interval]:
        """When availability says that they are busy, in the weeks from `start`."""
        answer = person.crococlick.busy(start, start + timedelta(weeks=_WEEKS_AHEAD))
        return [(_moment(span["start"]), _moment(span["end"])) for span in answer["busy"]]

    def true(self, person: Person, start: datetime) -> list[Interval]:
        """When they are busy, by the oracle over what the simulator holds."""
        texts = [o.ics for o in self._apple.objects(person.apple.apple_id) if o.calendar in _BLOCKING]
        end = start + timedelta(weeks=_WEEKS_AHEAD)
        return busy(texts, start, end, zone=PARIS, me=person.apple.apple_id)

    def state(self, person: Person) -> str:
        """What availability says of their connection."""
        now = datetime.now(UTC)
        answer: dict[str, Any] = person.crococlick.busy(now, now + timedelta(hours=1))
        return str(answer["state"])

    def is_right(self, person: Person, start: datetime) -> bool:
        """Whether availability believes the truth, and knows that it does."""
        return self.believed(person, start) == self.true(person, start) and self.state(person) == "fresh"

    def live_on(self, person: Person, random: Random, today: datetime) -> None:
        """Change something in their calendar: an event comes, another changes, a third goes."""
        known = [o for o in self._apple.objects(person.apple.apple_id) if o.calendar == "home"]
        self._apple.put_objects(person.apple.apple_id, "home", dict(objects(random, today, 1)))
        if known:
            changed = random.choice(known)
            uid = changed.name.removesuffix(".ics")
            self._apple.put_object(person.apple.apple_id, "home", changed.name, object_of(uid, random, today))
        if len(known) > 1:
            self._apple.delete_object(person.apple.apple_id, "home", random.choice(known[1:]).name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for person in self._people:
            person.crococlick.close()


def _password(number: int) -> str:
    letters = "".join(chr(ord("a") + number // 26**place % 26) for place in range(4))
    return f"{CANARY}-{letters}-{letters}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
