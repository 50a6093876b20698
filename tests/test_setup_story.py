"""What a user decides about calendars, while iCloud goes its own ways; said over HTTP by another service for them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from pymongo import MongoClient

from apple_users import CANARY, PARIS, AppleUsers, Person
from icloud_simulator.client import SeenRequest, SimulatorAdmin
from lives import objects
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until
from oracle import Interval
from other_service import OtherService

pytestmark = [pytest.mark.servers, pytest.mark.story]
PATIENCE = 30
SOON = 5
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
HOLIDAY = TODAY.date() + timedelta(days=10)
NEW_YORK = ZoneInfo("America/New_York")

Other = Callable[[Person], OtherService]


@pytest.fixture
def other(stack: LocalStack) -> Iterator[Other]:
    with ExitStack() as closing:
        yield lambda person: closing.enter_context(
            OtherService(stack, account=person.crococlick.account, user=person.user)
        )


def test_a_new_calendar_blocks_by_itself_until_the_user_has_chosen_and_then_waits_for_a_choice(
    users: AppleUsers, apple: SimulatorAdmin, other: Other
) -> None:
    person = _read(users)
    crm = other(person)
    before, after = _meeting(2), _meeting(3)

    family = _calendar_with(apple, person, "Famille", before)
    assert wait_until(lambda: users.believed(person, TODAY) == [before], seconds=PATIENCE)
    assert wait_until(lambda: crm.calendar("Famille") is not None, seconds=PATIENCE)
    chosen = crm.choose(crm.blocking())
    club = _calendar_with(apple, person, "Club", after)
    assert wait_until(lambda: crm.calendar("Club") is not None, seconds=PATIENCE)

    assert chosen["setup_chosen"]
    assert {c["name"]: c["new"] for c in crm.connection()["calendars"] if c["supported"]} == {
        **{c["name"]: False for c in chosen["calendars"] if c["supported"]},
        "Club": True,
    }
    assert users.believed(person, TODAY) == [before]
    assert [r for r in apple.requests(person.apple.apple_id) if r.path.startswith(club)] == []
    assert [r for r in apple.requests(person.apple.apple_id) if r.path.startswith(family)] != []


def test_a_calendar_blocks_while_it_is_in_the_setup(users: AppleUsers, apple: SimulatorAdmin, other: Other) -> None:
    person = _read(users)
    crm = other(person)
    meeting = _meeting(4)
    without = crm.choose(crm.blocking())
    _calendar_with(apple, person, "Chorale", meeting)
    assert wait_until(lambda: crm.calendar("Chorale") is not None, seconds=PATIENCE)
    choir = (crm.calendar("Chorale") or {})["id"]
    rules = {c["id"]: c["all_day"] for c in without["setup"]["conflict_calendars"]}

    added = crm.choose({**rules, choir: "as_marked"})
    assert wait_until(lambda: users.believed(person, TODAY) == [meeting], seconds=PATIENCE)
    taken_out = crm.choose(rules)
    assert wait_until(lambda: users.believed(person, TODAY) == [], seconds=PATIENCE)

    assert not any(c["new"] for c in [*added["calendars"], *taken_out["calendars"]])
    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)


def test_rule_and_zone_of_all_day_events_change_the_answer_and_nothing_is_asked_of_icloud_for_the_rule(
    users: AppleUsers, apple: SimulatorAdmin, other: Other
) -> None:
    person = users.person()
    apple.add_event(person.apple.apple_id, "home", "Vacances", (HOLIDAY, HOLIDAY + timedelta(days=2)))
    _read(users, person)
    crm = other(person)
    assert users.believed(person, TODAY) == []
    seen = _newest(apple, person)

    crm.choose(dict.fromkeys(crm.blocking(), "always_block"))
    in_paris = _days_in(PARIS)
    assert wait_until(lambda: users.believed(person, TODAY) == [in_paris], seconds=PATIENCE)
    for_the_rule = apple.requests(person.apple.apple_id, since=seen)
    crm.choose(crm.blocking(), {"time_zone": NEW_YORK.key})
    in_new_york = _days_in(NEW_YORK)
    assert wait_until(lambda: users.believed(person, TODAY) == [in_new_york], seconds=PATIENCE)

    assert _reads(for_the_rule) == []


def test_an_emptied_calendar_blocks_until_the_user_has_decided(
    users: AppleUsers, apple: SimulatorAdmin, other: Other
) -> None:
    life = list(objects(Random(5), TODAY + timedelta(days=7), 12))
    meant, mistaken = (_read(users, users.person(life=life)) for _ in range(2))
    busy = users.believed(meant, TODAY)

    for person in (meant, mistaken):
        apple.empty_calendar(person.apple.apple_id, "home")
    of_meant, of_mistaken = (_held(other(person), 12, "emptied") for person in (meant, mistaken))
    assert users.believed(meant, TODAY) == users.believed(mistaken, TODAY) == busy != []
    other(mistaken).ask_for_a_look(keep_removals=[of_mistaken])
    other(meant).ask_for_a_look(confirm_removals=[of_meant])

    assert wait_until(lambda: users.believed(meant, TODAY) == [], seconds=PATIENCE)
    assert wait_until(lambda: other(meant).connection()["held_removals"] == [], seconds=PATIENCE)
    assert wait_until(lambda: _kept(other(mistaken)) == [of_mistaken], seconds=PATIENCE)
    assert wait_until(lambda: _held_up(other(mistaken)) == [], seconds=PATIENCE)
    assert users.believed(mistaken, TODAY) == busy


def test_a_calendar_that_was_deleted_in_icloud_blocks_until_the_user_confirms(
    users: AppleUsers, apple: SimulatorAdmin, other: Other
) -> None:
    person = _read(users, users.person(life=objects(Random(5), TODAY + timedelta(days=7), 12)))
    crm, busy = other(person), users.believed(person, TODAY)

    apple.remove_calendar(person.apple.apple_id, "home")
    vanished = _held(crm, 12, "vanished")
    assert users.believed(person, TODAY) == busy != []
    crm.ask_for_a_look(confirm_removals=[vanished])

    assert wait_until(lambda: users.believed(person, TODAY) == [], seconds=PATIENCE)
    assert wait_until(lambda: crm.connection()["held_removals"] == [], seconds=PATIENCE)


def test_a_look_that_is_asked_for_does_not_wait_for_its_turn(
    users: AppleUsers, apple: SimulatorAdmin, other: Other, stack: LocalStack
) -> None:
    person = _read(users)
    crm, meeting = other(person), _meeting(6)
    _hold_polls_off(stack, crm)
    seen = _newest(apple, person)
    apple.add_event(person.apple.apple_id, "home", "Dentiste", meeting)

    crm.ask_for_a_look()

    assert wait_until(lambda: users.believed(person, TODAY) == [meeting], seconds=SOON)
    assert _newest(apple, person) > seen


def test_a_reconnect_keeps_ids_and_setup_and_reads_nothing_again(
    users: AppleUsers, apple: SimulatorAdmin, other: Other
) -> None:
    person = _read(users, users.person(life=objects(Random(6), TODAY, 30)))
    crm, meeting = other(person), _meeting(50)
    before = crm.choose(dict.fromkeys(crm.blocking(), "never_block"), {"when_stale": "warn"})
    seen = _newest(apple, person)

    apple.revoke_app_password(person.apple.apple_id)
    after = crm.reconnect(apple.new_app_password(person.apple.apple_id, f"{CANARY}-newy-newz"))
    apple.add_event(person.apple.apple_id, "work", "Bilan", meeting)
    assert wait_until(lambda: meeting in users.believed(person, TODAY), seconds=PATIENCE)

    stable = ("id", "setup", "setup_chosen", "calendars", "time_zone", "access", "created_at")
    assert {name: after[name] for name in stable} == {name: before[name] for name in stable}
    again = _reads(apple.requests(person.apple.apple_id, since=seen))
    assert [r.kind for r in again if r.kind == "calendar-query"] == []
    assert sum(r.bytes_out for r in again) < 4_096


def _read(users: AppleUsers, person: Person | None = None) -> Person:
    """Somebody who has connected, and whose calendars are read."""
    who = person or users.person()
    who.crococlick.connect(who.apple.apple_id, who.apple.app_password).raise_for_status()
    assert wait_until(lambda: users.state(who) == "fresh", seconds=PATIENCE)
    return who


def _held(crm: OtherService, events: int, doubt: str) -> str:
    """The calendar whose removals wait for a decision, all of its so many events."""
    assert wait_until(lambda: len(crm.connection()["held_removals"]) == 1, seconds=PATIENCE)
    (held,) = crm.connection()["held_removals"]
    assert (held["known"], held["missing"], held["doubt"]) == (events, events, doubt)
    return str(held["calendar_id"])


def _meeting(days: int) -> Interval:
    nine = TODAY + timedelta(days=days, hours=9)
    return nine, nine + timedelta(hours=1)


def _days_in(zone: ZoneInfo) -> Interval:
    """The two days of the holiday."""
    return _midnight(HOLIDAY, zone), _midnight(HOLIDAY + timedelta(days=2), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _calendar_with(apple: SimulatorAdmin, person: Person, name: str, meeting: Interval) -> str:
    """A new calendar with one event; its path."""
    made = apple.add_calendar(person.apple.apple_id, name, path_id=name.lower())
    apple.add_event(person.apple.apple_id, name.lower(), "Répétition", meeting)
    return str(made["path"])


def _newest(apple: SimulatorAdmin, person: Person) -> int:
    return max((r.number for r in apple.requests(person.apple.apple_id)), default=0)


def _reads(requests: list[SeenRequest]) -> list[SeenRequest]:
    """Those that fetch or list objects; a poll looks at the home, and asks what has changed."""
    return [r for r in requests if r.kind in {"calendar-query", "calendar-multiget"}]


def _hold_polls_off(stack: LocalStack, crm: OtherService) -> None:
    """As with the usual interval of five minutes: the next look is that far away."""
    one = crm.connection()["id"]
    with MongoClient[dict[str, object]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        connections = client["sync"]["connections"]
        later = {"next_sync_at": {"$dateAdd": {"startDate": "$$NOW", "unit": "minute", "amount": 5}}}

        def is_idle_and_far() -> bool:
            idle = {"_id": one, "lease": {"$exists": False}}
            return connections.update_one(idle, [{"$set": later}]).matched_count > 0

        assert wait_until(is_idle_and_far, seconds=PATIENCE)


def _kept(crm: OtherService) -> list[str]:
    """The calendars whose removals the user was heard not to want."""
    return [str(one["calendar_id"]) for one in crm.connection()["held_removals"] if one["kept_until"]]


def _held_up(crm: OtherService) -> list[str]:
    """The calendars that are older than their connection because an answer is waited for."""
    return [str(one["id"]) for one in crm.connection()["sync"]["calendars"] if one["state"] == "held"]
