"""A connection that is there, in each of its states."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from connector.domain.calendars import Setup
from connector.domain.connection import AppleAccount, State
from connector.domain.reading import Progress, Reading
from connector.inbound.pages.catalogue import read_catalogues
from connector.inbound.pages.errors import refused
from connector.inbound.pages.moments import Moments
from connector_examples import APP_PASSWORD, APPLE_ID, CREDENTIAL, MARIE, NOW, PRINCIPAL
from connector_fakes import FakeAppleIds
from connector_pages import (
    CALENDARS,
    LIST,
    ONE,
    Pages,
    Visitor,
    connection,
    importing,
    needing_reconnect,
    stale,
    troubled,
)
from icloud import AppleCredential, TryLater
from runtime.http import Problem

OF_PRINCIPAL = sha256(PRINCIPAL.encode()).hexdigest()
NEW_PASSWORD = "aaaa-bbbb-cccc-dddd"


@pytest.fixture
def lost(there: Pages) -> Pages:
    """Marie's password was revoked; she has made a new one."""
    sealed = FakeAppleIds().seal(APPLE_ID, "c-1")
    there.apple.accounts = {AppleCredential(APPLE_ID, NEW_PASSWORD): (PRINCIPAL, CALENDARS)}
    there.keep(replace(needing_reconnect(), apple=AppleAccount(OF_PRINCIPAL, "m…@icloud.com", sealed)))
    return there


async def test_the_page_tells_state_ages_and_choices(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    page = (await marie.get(ONE)).text

    assert all(
        word in page for word in ("Everything is up to date", "2 minutes ago", "<dd>Paris</dd>", "14 October 2026")
    )
    assert "Appointments go here" in page
    assert "Subscription" in page
    assert "Rappels" not in page


async def test_progress_of_the_first_import_is_shown(there: Pages, marie: Visitor) -> None:
    there.keep(importing())
    known = (await marie.get(ONE)).text
    there.keep(connection(chosen_from=None, reading=Reading(progress=Progress(1, None))))
    unknown = (await marie.get(ONE)).text

    assert "240 of 1820 events imported" in known
    assert 'max="1820" value="240"' in known
    assert "1 event imported" in unknown
    assert "data-moving" in known


async def test_old_knowledge_is_called_old(there: Pages, marie: Visitor) -> None:
    there.keep(stale())

    assert "Not everything is up to date" in (await marie.get(ONE)).text


async def test_what_cannot_be_read_is_told_by_calendar_and_date(there: Pages, marie: Visitor) -> None:
    there.keep(troubled())

    page = (await marie.get(ONE)).text

    assert "23 events of “Salon” could not be read" in page
    assert "Date unknown" in page
    assert "Thursday 26 November 2026, 09:30\u201310:30" in page
    assert "and 21 more" in page
    assert "There is a new calendar" in page


@pytest.mark.parametrize(("word", "told"), [("confirm", "confirmed"), ("keep", "kept")])
async def test_held_removals_are_settled_by_the_user(there: Pages, marie: Visitor, word: str, told: str) -> None:
    there.keep(troubled())
    page = (await marie.get(ONE)).text

    answer = await marie.send(f"{ONE}/sync", {word: "home", "held_since": shown_since(page)})

    assert "198 of 214 events" in page
    assert answer.headers["location"] == f"{ONE}?told={told}"
    [asked] = there.workers.asked
    assert (asked.confirm, asked.keep) == ((("home",), ()) if word == "confirm" else ((), ("home",)))


def shown_since(page: str) -> str:
    """What the form carries of the removals that it shows."""
    (since,) = re.findall(r'name="held_since" value="([^"]*)"', page)
    return str(since)


def held_by_now(there: Pages) -> None:
    """Ten minutes after the removals that Marie has seen, many more came to be held."""
    one = troubled()
    (held,) = one.held
    more = replace(held, since=held.since + timedelta(minutes=10), missing=210)
    there.keep(replace(one, reading=replace(one.reading, held=(more,))))


async def test_a_confirmation_is_about_the_removals_on_the_page_alone(there: Pages, marie: Visitor) -> None:
    there.keep(troubled())
    seen = shown_since((await marie.get(ONE)).text)
    held_by_now(there)

    answers = [await marie.send(f"{ONE}/sync", {"confirm": "home"} | more) for more in ({"held_since": seen}, {})]
    page = (await marie.get(answers[0].headers["location"])).text
    again = await marie.send(f"{ONE}/sync", {"confirm": "home", "held_since": shown_since(page)})

    assert [one.headers["location"] for one in answers] == [f"{ONE}?told=held_otherwise"] * 2
    assert "What is missing has changed" in page
    assert "210 of 214 events" in page
    assert again.headers["location"] == f"{ONE}?told=confirmed"
    (asked,) = there.workers.asked
    assert asked.seen == {"home": troubled().held[0].since + timedelta(minutes=10)}


def kept_until(there: Pages, until: datetime) -> None:
    """Marie has said that what is missing stays, and the workers have heard it."""
    one = troubled()
    held = tuple(replace(each, kept_until=until) for each in one.held)
    there.keep(replace(one, reading=replace(one.reading, held=held)))


async def test_what_was_answered_is_not_asked_again_and_can_be_taken_back(there: Pages, marie: Visitor) -> None:
    kept_until(there, NOW + timedelta(hours=23))

    page = (await marie.get(ONE)).text
    answer = await marie.send(f"{ONE}/sync", {"confirm": "home", "held_since": shown_since(page)})

    assert "You said that they stay, until" in page
    assert "Tuesday 24 November 2026 at 08:30" in page
    assert ("Remove them after all" in page, "Were these events really deleted" in page) == (True, False)
    assert ('name="confirm"' in page, 'name="keep"' in page) == (True, False)
    assert answer.headers["location"] == f"{ONE}?told=confirmed"


async def test_once_the_day_is_over_the_question_stands_again(there: Pages, marie: Visitor) -> None:
    kept_until(there, NOW)

    page = (await marie.get(ONE)).text

    assert ("You said that they stay" in page, "Were these events really deleted" in page) == (False, True)
    assert ('name="confirm"' in page, 'name="keep"' in page) == (True, True)


async def test_who_keeps_the_events_keeps_also_what_went_since(there: Pages, marie: Visitor) -> None:
    there.keep(troubled())
    seen = shown_since((await marie.get(ONE)).text)
    held_by_now(there)

    answer = await marie.send(f"{ONE}/sync", {"keep": "home", "held_since": seen})

    assert answer.headers["location"] == f"{ONE}?told=kept"
    assert [one.keep for one in there.workers.asked] == [("home",)]


@pytest.mark.parametrize("calendar", ["work", "club", "c-2/stranger"])
async def test_a_question_that_is_settled_is_not_answered_again(there: Pages, marie: Visitor, calendar: str) -> None:
    there.keep(troubled())

    answer = await marie.send(f"{ONE}/sync", {"confirm": calendar})

    assert (answer.status_code, answer.headers["location"]) == (303, f"{ONE}?told=settled")
    assert there.workers.asked == []


async def test_a_setup_in_which_nothing_blocks_is_warned_of(there: Pages, marie: Visitor) -> None:
    nothing = replace(connection().terms, setup=Setup(()))
    pages = []
    for one in (connection(terms=nothing), connection()):
        there.keep(one)
        pages.append((await marie.get(ONE)).text)

    assert ["No calendar blocks time" in page for page in pages] == [True, False]


async def test_a_look_may_be_asked_for_and_not_all_the_time(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    told = [(await marie.send(f"{ONE}/sync")).headers["location"] for _ in range(2)]

    assert told == [f"{ONE}?told=sync_requested", f"{ONE}?told=too_soon"]
    assert len(there.workers.asked) == 1


async def test_while_the_workers_cannot_be_reached_the_page_says_so(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    there.workers.away = True

    answer = await marie.send(f"{ONE}/sync")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "Nothing is lost" in answer.text


async def test_the_banner_says_since_when_and_why_and_asks_one_thing(there: Pages, marie: Visitor) -> None:
    there.keep(needing_reconnect())

    page = (await marie.get(ONE)).text

    assert "Sunday 22 November 2026 at 23:30" in page
    assert "11 hours ago" in page
    assert "revokes every app-specific password" in page
    assert 'name="app_password"' in page
    assert 'name="apple_id"' not in page


async def test_one_field_brings_the_connection_back(lost: Pages, marie: Visitor) -> None:
    answer = await marie.send(f"{ONE}/reconnect", {"app_password": NEW_PASSWORD.upper().replace("-", " ")})

    back = await lost.store.of(MARIE)
    assert answer.headers["location"] == f"{ONE}?told=reconnected"
    assert back is not None
    assert (back.id, back.state, back.epoch) == ("c-1", State.CONNECTED, 2)
    assert back.terms.setup == connection().terms.setup


async def test_a_password_that_does_not_work_changes_nothing(lost: Pages, marie: Visitor) -> None:
    refused_by_apple = await marie.send(f"{ONE}/reconnect", {"app_password": APP_PASSWORD})
    malformed = await marie.send(f"{ONE}/reconnect", {"app_password": "MyApplePassw0rd!"})

    kept = await lost.store.of(MARIE)
    assert (refused_by_apple.status_code, malformed.status_code, lost.apple.asked) == (422, 422, 1)
    assert not any(word in page.text for page in (refused_by_apple, malformed) for word in (APP_PASSWORD, "Passw0rd"))
    assert kept is not None
    assert kept.state is State.NEEDS_RECONNECT


async def test_a_changed_apple_id_may_be_told_once_the_old_one_was_refused(lost: Pages, marie: Visitor) -> None:
    changed = "marie@example.com"
    lost.apple.accounts = {AppleCredential(changed, NEW_PASSWORD): (PRINCIPAL, CALENDARS)}

    form = await marie.get(f"{ONE}/reconnect")
    refused_by_apple = await marie.send(f"{ONE}/reconnect", {"app_password": NEW_PASSWORD, "apple_id": ""})
    answer = await marie.send(f"{ONE}/reconnect", {"app_password": NEW_PASSWORD, "apple_id": changed})

    assert 'name="apple_id"' not in form.text
    assert re.search(r'<input id="apple_id"[^>]* value=""', refused_by_apple.text)
    assert "it is still m…@icloud.com" in refused_by_apple.text
    assert answer.headers["location"] == f"{ONE}?told=reconnected"
    back = await lost.store.of(MARIE)
    assert back is not None
    assert back.apple.hint == "m…@example.com"


async def test_a_reason_is_told_only_where_something_was_refused(there: Pages, marie: Visitor) -> None:
    reason = "revokes every app-specific password"
    pages = []
    for one in (needing_reconnect(), connection()):
        there.keep(one)
        pages.append((await marie.get(f"{ONE}/reconnect")).text)

    assert [reason in page for page in pages] == [True, False]


async def test_another_apple_account_is_refused_with_the_way_to_go(lost: Pages, marie: Visitor) -> None:
    lost.apple.accounts = {AppleCredential(APPLE_ID, NEW_PASSWORD): ("/999/principal/", CALENDARS)}

    answer = await marie.send(f"{ONE}/reconnect", {"app_password": NEW_PASSWORD})

    assert answer.status_code == 409
    assert "another Apple account" in answer.text


async def test_an_apple_id_that_we_do_not_know_is_asked_for(there: Pages, marie: Visitor) -> None:
    there.apple.accounts[CREDENTIAL] = (PRINCIPAL, CALENDARS)
    there.keep(replace(needing_reconnect(), apple=AppleAccount(OF_PRINCIPAL, "m…@icloud.com", None)))

    banner = (await marie.get(ONE)).text
    form = (await marie.get(f"{ONE}/reconnect")).text
    without = await marie.send(f"{ONE}/reconnect", {"app_password": APP_PASSWORD, "apple_id": ""})
    answer = await marie.send(f"{ONE}/reconnect", {"app_password": APP_PASSWORD, "apple_id": APPLE_ID})

    assert 'name="app_password"' not in banner
    assert 'name="apple_id"' in form
    assert (without.status_code, 'href="#apple_id"' in without.text) == (422, True)
    assert answer.headers["location"] == f"{ONE}?told=reconnected"


async def test_disconnecting_says_what_is_erased_and_asks_once(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    page = (await marie.get(f"{ONE}/disconnect")).text
    still_there = await there.store.of(MARIE)
    answer = await marie.send(f"{ONE}/disconnect")
    again = await marie.send(f"{ONE}/disconnect")

    assert all(words in page for words in ("At once", "Within minutes", "Within a day", "stay in your iCloud calendar"))
    assert page.index("connected elsewhere") < page.index("Within minutes")
    assert still_there is not None
    assert answer.headers["location"] == f"{LIST}?told=disconnected"
    assert await there.store.of(MARIE) is None
    assert again.status_code == 404


async def test_a_page_says_only_what_is_among_our_words(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    said, unsaid = [(await marie.get(f"{ONE}?told={told}")).text for told in ("saved", "<b>You won</b>")]

    assert "Your setup is saved." in said
    assert "You won" not in unsaid


def test_too_many_attempts_are_told_with_the_time_of_the_next() -> None:
    title = {"en": "Too many attempts.", "fr": "Trop d'essais."}
    moments = Moments(read_catalogues()["en"], ZoneInfo("Europe/Paris"), NOW)

    told = refused(Problem(429, "too_many_attempts", title, headers={"Retry-After": "900"}), moments)

    assert told.field is None
    assert "after <time" in told.message
    assert "09:45" in told.message


async def test_apple_may_ask_for_patience(lost: Pages, marie: Visitor) -> None:
    lost.apple.fails_with = TryLater(timedelta(minutes=15), "throttled")

    answer = await marie.send(f"{ONE}/reconnect", {"app_password": NEW_PASSWORD})

    assert answer.status_code == 503
    assert "Nothing was stored" in answer.text
    assert lost.store.kept["c-1"].entity.epoch == 1
