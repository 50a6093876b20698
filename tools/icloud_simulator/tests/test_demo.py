import time
from datetime import UTC, datetime, timedelta

from icloud_simulator.accounts import opens
from icloud_simulator.clock import MovableClock
from icloud_simulator.demo import APP_PASSWORD, APPLE_ID, PRIVATE, SHARED, seed_demo
from icloud_simulator.facts import Access, Kind
from icloud_simulator.ics import parse
from icloud_simulator.occurrences import Times, Window
from icloud_simulator.put_rules import check
from icloud_simulator.world import World

_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _demo() -> World:
    world = World(clock=MovableClock(_NOW.timestamp() - time.time()))
    seed_demo(world)
    return world


def _texts(world: World) -> list[str]:
    mounts = world.account(APPLE_ID).mounts.values()
    return [version.text or "" for mount in mounts for _, version in mount.collection.objects()]


def test_the_demo_account_has_a_calendar_of_every_kind() -> None:
    account = _demo().account(APPLE_ID)

    kinds = {path_id: (mount.kind, mount.access) for path_id, mount in account.mounts.items()}

    assert opens(account, APP_PASSWORD)
    assert kinds["home"] == kinds["work"] == kinds[PRIVATE] == (Kind.CALENDAR, Access.OWNER)
    assert kinds["tasks"] == (Kind.REMINDERS, Access.OWNER)
    assert kinds[SHARED] == (Kind.CALENDAR, Access.READ_ONLY)
    assert Kind.SUBSCRIBED in {kind for kind, _ in kinds.values()}


def test_the_demo_holds_every_case_that_decides_about_time() -> None:
    everything = "".join(_texts(_demo())).replace("\r\n ", "")

    for piece in (
        "FREQ=DAILY",
        "FREQ=WEEKLY",
        "FREQ=MONTHLY",
        "FREQ=YEARLY",
        "EXDATE;TZID=Europe/Paris",
        "RECURRENCE-ID;TZID=Europe/Paris",
        "DTSTART;VALUE=DATE",
        "TRANSP:TRANSPARENT",
        "STATUS:CANCELLED",
        "STATUS:TENTATIVE",
        f"PARTSTAT=DECLINED;RSVP=TRUE:mailto:{APPLE_ID}",
        "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT30M",
        "DTSTART;TZID=America/New_York",
    ):
        assert piece in everything, piece
    opaque_days = [text for text in _texts(_demo()) if "DTSTART;VALUE=DATE" in text and "TRANSP:OPAQUE" in text]
    assert len(opaque_days) == 1


def test_every_demo_event_would_be_accepted_from_a_client() -> None:
    for text in _texts(_demo()):
        check(text.encode(), "VEVENT")
        for line in parse(text).inside("VEVENT"):
            assert line.value("DTSTAMP")


def test_the_coming_fortnight_is_full_and_seeding_twice_changes_nothing() -> None:
    world = _demo()
    window = Window(_NOW, _NOW + timedelta(days=14))

    coming = [text for text in _texts(world) if Times(text).in_range(window)]
    before = _texts(world)
    seed_demo(world)

    assert len(coming) >= 10
    assert _texts(world) == before
