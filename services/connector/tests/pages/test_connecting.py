import re
from datetime import timedelta

import pytest

from connector.domain.connection import Access, State
from connector_examples import APP_PASSWORD, APPLE_ID, CREDENTIAL, MARIE, PRINCIPAL, STRANGER
from connector_pages import CALENDARS, LIST, NEW, ONE, Pages, Visitor, connection, visitor_of
from icloud import AppleCredential, CalendarNotEnabled, ICloudError, NotUnderstood, TryLater

TYPED = {"apple_id": APPLE_ID, "app_password": APP_PASSWORD, "access": "full", "time_zone": "Europe/Paris"}


async def test_who_has_nothing_is_led_to_the_form(marie: Visitor) -> None:
    pages = [(await marie.get(path)).text for path in (LIST, f"{LIST}/new", NEW)]

    assert f'href="{LIST}/new"' in pages[0]
    assert f'href="{NEW}"' in pages[1]
    assert f'action="{NEW}"' in pages[2]
    assert "https://account.apple.com" in pages[2]


async def test_connecting_leads_to_the_setup(there: Pages, marie: Visitor) -> None:
    answer = await marie.send(NEW, TYPED)

    made = await there.store.of(MARIE)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ONE}/setup?told=connected")
    assert made is not None
    assert (made.terms.access, made.terms.time_zone, made.state) == (Access.FULL, "Europe/Paris", State.CONNECTED)


async def test_the_same_form_sent_twice_makes_one_connection_and_shows_it(there: Pages, marie: Visitor) -> None:
    await marie.send(NEW, TYPED)

    second = await marie.send(NEW, TYPED)
    again = await marie.get(NEW)

    assert {answer.headers["location"] for answer in (second, again)} == {f"{ONE}?told=already_connected"}
    assert len(there.store.kept) == 1


@pytest.mark.parametrize(
    "typed",
    [
        "qzvkxjwpmfhbtgcd",
        "QZVK-XJWP-MFHB-TGCD",
        "  qzvk xjwp mfhb tgcd\r\n",
        "qzvk\u200b-xjwp\u2011mfhb\u2013tgcd",
    ],
)
async def test_a_password_is_taken_as_it_was_copied(there: Pages, marie: Visitor, typed: str) -> None:
    answer = await marie.send(NEW, TYPED | {"app_password": typed})

    assert answer.status_code == 303
    assert there.store.secrets["c-1"].credential == CREDENTIAL


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("typed", ["MyApplePassw0rd!", "qzvk-xjwp-mfhb", "", "qzvk-xjwp-mfhb-tgc1", "a" * 5_000])
async def test_another_password_is_asked_of_nobody_and_written_nowhere(
    there: Pages, marie: Visitor, language: str, typed: str
) -> None:
    answer = await marie.send(NEW, TYPED | {"app_password": typed}, **{"Accept-Language": language})

    assert (answer.status_code, there.apple.asked, there.store.kept) == (422, 0, {})
    assert not typed or typed not in answer.text
    assert 'id="app_password-mistake"' in answer.text
    assert 'aria-describedby="app_password-mistake app_password-hint" aria-invalid="true"' in answer.text
    assert '<a href="#app_password">' in answer.text
    assert 'id="summary" role="alert" tabindex="-1" autofocus' in answer.text
    assert f'value="{APPLE_ID}"' in answer.text


async def test_a_zone_that_is_not_listed_may_be_typed(there: Pages, marie: Visitor) -> None:
    await marie.send(NEW, TYPED | {"time_zone": "other", "time_zone_other": "buenos aires"})

    made = await there.store.of(MARIE)
    assert made is not None
    assert made.terms.time_zone == "America/Argentina/Buenos_Aires"


async def test_a_zone_that_nobody_knows_is_written_back_to_be_mended(marie: Visitor) -> None:
    answer = await marie.send(NEW, TYPED | {"time_zone": "other", "time_zone_other": "Atlantis"})

    assert answer.status_code == 422
    assert 'value="other" selected' in answer.text
    assert 'value="Atlantis"' in answer.text


async def test_who_tried_too_often_is_told_when_to_come_back(there: Pages, marie: Visitor) -> None:
    answers = [await marie.send(NEW, TYPED | {"app_password": "aaaa-bbbb-cccc-dddd"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert there.apple.asked == 5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("apple_id", "marie"),
        ("apple_id", ""),
        ("time_zone", ""),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "localtime"),
    ],
)
async def test_every_other_field_is_checked_before_apple_is_asked(
    there: Pages, marie: Visitor, field: str, value: str
) -> None:
    answer = await marie.send(NEW, TYPED | {field: value})

    assert (answer.status_code, there.apple.asked) == (422, 0)
    assert f'id="{field}-mistake"' in answer.text


async def test_all_that_is_wrong_is_told_at_once_in_the_forms_order(marie: Visitor) -> None:
    answer = await marie.send(NEW, {"apple_id": "marie", "app_password": "no", "time_zone": ""})

    assert re.findall(r'<a href="#(\w+)">', answer.text) == ["apple_id", "app_password", "time_zone"]


async def test_who_names_no_access_gives_the_lesser_one(there: Pages, marie: Visitor) -> None:
    await marie.send(NEW, TYPED | {"access": "everything"})

    made = await there.store.of(MARIE)
    assert made is not None
    assert made.terms.access is Access.READ_ONLY


@pytest.mark.parametrize(
    ("fault", "status", "french", "english"),
    [
        (CalendarNotEnabled(), 422, "calendrier iCloud", "Switch Calendar on"),
        (TryLater(timedelta(minutes=5), "throttled"), 503, "Rien n\u2019a été enregistré", "Nothing was stored"),
        (NotUnderstood("html"), 502, "incompréhensible", "do not understand"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_each_refusal_of_apples_says_what_happened_and_what_to_do(
    there: Pages, marie: Visitor, fault: ICloudError, status: int, french: str, english: str
) -> None:
    there.apple.fails_with = fault

    told = [await marie.send(NEW, TYPED, **{"Accept-Language": language}) for language in ("fr", "en")]

    assert [answer.status_code for answer in told] == [status, status]
    assert french in told[0].text
    assert english in told[1].text
    assert not any(APP_PASSWORD in answer.text for answer in told)
    assert there.store.kept == {}


async def test_a_wrong_password_is_told_beside_its_field(there: Pages, marie: Visitor) -> None:
    answer = await marie.send(NEW, TYPED | {"app_password": "aaaa-bbbb-cccc-dddd"})

    assert (answer.status_code, there.store.kept) == (422, {})
    assert "Apple did not accept" in answer.text
    assert '<a href="#app_password">' in answer.text


async def test_an_apple_account_of_another_account_is_refused_without_a_name(there: Pages, marie: Visitor) -> None:
    async with visitor_of(there, STRANGER) as stranger:
        await stranger.send(NEW, TYPED)

    answer = await marie.send(NEW, TYPED)

    assert answer.status_code == 409
    assert '<a href="#apple_id">' in answer.text
    assert STRANGER.account_id not in answer.text


async def test_an_alias_of_a_connected_apple_account_is_found_out(there: Pages, marie: Visitor) -> None:
    alias = AppleCredential("marie@me.com", "zzzz-yyyy-xxxx-wwww")
    there.apple.accounts[alias] = (PRINCIPAL, CALENDARS)
    async with visitor_of(there, STRANGER) as stranger:
        await stranger.send(NEW, TYPED)

    answer = await marie.send(NEW, TYPED | {"apple_id": alias.apple_id, "app_password": alias.app_password})

    assert answer.status_code == 409


@pytest.mark.parametrize("zone", ["Europe/Paris", "Asia/Calcutta"])
async def test_a_refused_form_keeps_what_was_chosen(marie: Visitor, zone: str) -> None:
    answer = await marie.send(NEW, TYPED | {"time_zone": zone, "access": "read_only", "app_password": "no"})

    assert f'value="{zone}" selected' in answer.text
    assert 'value="read_only" checked' in answer.text
    assert "data-guess" not in answer.text


async def test_the_steps_to_a_password_are_a_link_away_from_its_field(there: Pages, marie: Visitor) -> None:
    there.keep(None)
    pages = [(await marie.get(NEW)).text]
    there.keep(connection())
    pages += [(await marie.get(path)).text for path in (f"{ONE}/reconnect", ONE)]

    assert ['href="#steps-heading"' in page for page in pages] == [True, True, False]
    assert ['id="steps-heading"' in page for page in pages] == [True, True, False]


async def test_the_list_says_what_is_connected(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    page = (await marie.get(LIST)).text

    assert all(word in page for word in ("m…@icloud.com", "Connected", "2 minutes ago", "Privé", "Salon"))
    assert "notice-warn" not in page
