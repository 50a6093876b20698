"""The coming weeks on the connection's page, as availability tells them."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connector.domain.connection import Owner
from connector.domain.outlook import Outlook, Reason
from connector_ahead import bars, day, lines
from connector_availability import BOOKED, CLOSED, IMPORTING, OUTLOOK, TROUBLED, FakeAvailability, at, entry, event
from connector_examples import MARIE, NOW
from connector_pages import ONE, Pages, Visitor, connection, token_of, visitor_of

AWAY = "cannot be shown at the moment"


def only(*blocking: Reason, ignored: tuple[Reason, ...] = ()) -> Outlook:
    return Outlook(blocking, ignored, NOW - timedelta(minutes=2), "fresh")


async def test_two_weeks_from_the_midnight_of_today_are_asked_with_the_users_own_token(
    known: FakeAvailability, marie: Visitor
) -> None:
    await marie.get(ONE)

    asked = {what: (asker, window) for asker, what, window in known.asked}
    asker, window = asked["why"]
    assert set(asked) == {"why", "appointments"}
    assert (asker.user_id, asker.token) == (MARIE.user_id, token_of(MARIE))
    assert token_of(MARIE) not in repr(asker)
    assert (window.start, window.end) == (at(0), at(14))


@pytest.mark.parametrize(
    ("ahead", "first"), [("1", 14), ("27", 27 * 14), ("99", 27 * 14), ("-1", 0), ("x", 0), ("²", 0)]
)
async def test_later_weeks_are_a_link_away(known: FakeAvailability, marie: Visitor, ahead: str, first: int) -> None:
    page = (await marie.http.get(ONE, params={"ahead": ahead})).text

    assert {window.start for _, what, window in known.asked if what == "why"} == {at(first)}
    assert ("Earlier" in page, "Later" in page) == (first > 0, first < 27 * 14)
    assert ("What we wrote" in page) == (first == 0)


@pytest.mark.parametrize(
    ("ahead", "english", "french"),
    [
        ("0", ">23 November to 6 December<", ">Du 23 novembre au 6 décembre<"),
        ("2", ">21 December 2026 to 3 January 2027<", ">Du 21 décembre 2026 au 3 janvier 2027<"),
        ("27", ">6 December to 19 December 2027<", ">Du 6 décembre au 19 décembre 2027<"),
    ],
)
@pytest.mark.usefixtures("known")
async def test_weeks_of_another_year_tell_it(marie: Visitor, ahead: str, english: str, french: str) -> None:
    pages = [
        (await marie.http.get(ONE, params={"ahead": ahead}, headers={"Accept-Language": language})).text
        for language in ("en", "fr")
    ]

    assert [said in page for said, page in zip((english, french), pages, strict=True)] == [True, True]


@pytest.mark.usefixtures("known")
async def test_a_day_tells_each_thing_with_its_rule(marie: Visitor) -> None:
    page = (await marie.get(ONE)).text

    assert lines(page, 0) == [
        ["08:00-09:00", "Dentiste Privé", "Blocks : marked busy"],
        ["11:00-12:00", "Coupe, Camille Martin Appointment", "Blocks"],
        ["12:30-13:30", "Event Privé", "Open: marked free"],
        ["18:30-20:00", "Event Salon", "Blocks : marked busy"],
    ]
    assert bars(page, 0) == {"busy": 2, "booked": 1, "open": 1}
    assert bars(page, 2) == {"off": 1, "booked": 1, "open": 1}
    assert lines(page, 5) == [["All day", "Event Privé", "Blocks : all-day events of this calendar always block"]]
    assert lines(page, 9)[-1][0] == "from 22:00"
    assert lines(page, 10)[0][0] == "until 06:00"
    assert "Monday 23 November 2026: 3 blocking, 1 seen and left open" in day(page, 0)
    assert "Sunday 6 December 2026: Nothing that we know of" in day(page, 13)
    assert "23 November to 6 December" in page
    assert "Last read completely: " in page


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("all_day_rule", "all-day events of this calendar never block"),
        ("cancelled", "cancelled"),
        ("declined", "you declined it"),
        ("marked_free", "marked free"),
        ("not_a_conflict_calendar", "this calendar does not block"),
        ("own_appointment", "your appointment, seen in iCloud"),
        ("takes_no_time", "takes no time"),
        ("unreadable", "its time is all that we know"),
        ("a_rule_of_tomorrow", "by another rule"),
    ],
)
async def test_what_is_ignored_tells_why(known: FakeAvailability, marie: Visitor, rule: str, said: str) -> None:
    known.outlook = only(ignored=(event(1, 9, 10, rule=rule),))

    page = (await marie.get(ONE)).text

    assert lines(page, 1) == [["09:00-10:00", "Event Privé", f"Open: {said}"]]
    assert bars(page, 1) == {"open": 1}


async def test_a_kind_of_tomorrow_is_an_event_that_blocks(known: FakeAvailability, marie: Visitor) -> None:
    known.outlook = only(replace(event(1, 9, 10), kind="holiday", calendar_id="unknown"))

    assert lines((await marie.get(ONE)).text, 1) == [["09:00-10:00", "Event", "Blocks : marked busy"]]


async def test_only_what_is_drawn_is_explained(known: FakeAvailability, marie: Visitor) -> None:
    known.outlook = only(entry("blocked_slot", 3, 9, 12))

    legend = (await marie.get(ONE)).text.partition('class="legend"')[2].partition("</ul>")[0]

    assert ("Time off" in legend, "Appointment" in legend) == (True, False)


async def test_what_is_not_known_is_told(known: FakeAvailability, marie: Visitor) -> None:
    known.outlook = TROUBLED

    page = (await marie.get(ONE)).text

    assert "“Privé”: events are missing in iCloud" in page
    assert "“Salon” could not be read for a while. What was known of it counts as before." in page
    assert "“Salon”: 1 event cannot be read, not even its date." in page
    assert "Not everything is up to date." in page
    assert "Could not be read" in page
    assert bars(page, 3) == {"unread": 1, "booked": 1}


async def test_a_closed_calendar_closes_every_day(known: FakeAvailability, marie: Visitor) -> None:
    known.outlook = CLOSED

    page = (await marie.get(ONE)).text

    assert all(bars(page, number)["closed"] == 1 for number in range(14))
    assert "nobody can book you, as you have chosen" in page
    assert lines(page, 12) == []


@pytest.mark.parametrize(
    ("outlook", "said"),
    [
        (IMPORTING, "more may come"),
        (replace(OUTLOOK, state="needs_reconnect"), "Apple refuses the password, so nothing new is read"),
        (replace(OUTLOOK, state="not_connected", as_of=None), "about to be imported"),
        (replace(OUTLOOK, state="a_state_of_tomorrow"), "Not everything is up to date"),
    ],
)
async def test_the_age_of_it_all_is_told(known: FakeAvailability, marie: Visitor, outlook: Outlook, said: str) -> None:
    known.outlook = outlook

    assert said in (await marie.get(ONE)).text


async def test_a_full_day_leads_to_all_of_it(known: FakeAvailability, marie: Visitor) -> None:
    known.outlook = only(*(event(2, hour, hour + 0.5) for hour in range(8, 20)))

    short, whole = [(await marie.get(ONE + query)).text for query in ("", "?ahead=0&day=2")]

    assert (len(lines(short, 2)), len(lines(whole, 2))) == (6, 12)
    assert 'href="?ahead=0&amp;day=2#day-2"' in short
    assert "and 6 more" in short
    assert 'id="day-2" open' in whole
    assert "more</a>" not in whole


async def test_the_day_of_a_changed_clock_says_how_long_it_is(known: FakeAvailability, marie: Visitor) -> None:
    known.outlook = only(event(0, 9, 10))

    page = (await marie.get(f"{ONE}?ahead=8")).text

    assert "this day has 23 hours" in page
    assert page.count("uneven") == 1


async def test_whose_token_may_not_read_it_is_shown_nothing_of_it(there: Pages, known: FakeAvailability) -> None:
    async with visitor_of(there) as marie:
        narrow = {"Cookie": f"__Host-calsync={token_of(MARIE, 'calendar:manage')}", "Accept-Language": "en"}
        page = await marie.http.get(ONE, headers=narrow)
        setup = await marie.http.get(f"{ONE}/setup", headers=narrow)

    assert (page.status_code, setup.status_code) == (200, 200)
    assert "The coming weeks" not in page.text
    assert 'name="preview"' not in setup.text
    assert known.asked == []


async def test_without_an_address_of_availability_the_pages_do_without() -> None:
    there = Pages(availability=None)
    there.keep(connection())

    async with visitor_of(there) as marie:
        pages = [await marie.get(path, **{"Accept-Language": "en"}) for path in (ONE, f"{ONE}/setup")]

    assert [page.status_code for page in pages] == [200, 200]
    assert not any("The coming weeks" in page.text or AWAY in page.text for page in pages)


async def test_where_availability_is_away_the_page_says_so_and_shows_the_rest(
    known: FakeAvailability, marie: Visitor
) -> None:
    known.away = True

    page = await marie.get(ONE)

    ahead, written = page.text.split('id="written-heading"')
    assert page.status_code == 200
    assert f"What is known of the coming weeks {AWAY}" in ahead
    assert f"What became of your appointments in iCloud {AWAY}" in written
    assert "the coming weeks" not in written
    assert "Everything is up to date" in page.text


async def test_the_part_that_looks_again_by_itself_asks_availability_nothing(
    known: FakeAvailability, marie: Visitor
) -> None:
    page = await marie.get(f"{ONE}?live")

    assert 'id="live"' in page.text
    assert known.asked == []


@pytest.mark.usefixtures("known")
async def test_the_language_switch_comes_back_to_the_same_weeks(marie: Visitor) -> None:
    page = (await marie.get(f"{ONE}?told=saved&ahead=3&day=2")).text

    [link] = re.findall(r'href="([^"]+language/fr\?[^"]+)"', page)
    answer = await marie.get(link)
    assert answer.headers["location"] == f"{ONE}?ahead=3&day=2"


async def test_the_state_of_what_lies_ahead_can_be_compared_by_the_script(
    known: FakeAvailability, marie: Visitor
) -> None:
    known.outlook = IMPORTING

    page = (await marie.get(ONE)).text

    assert re.search(r'id="ahead"[^>]* data-state="importing"', page)
    assert re.search(r'id="live"[^>]* data-state="fresh"', page)


async def test_nobody_elses_time_is_asked_about(there: Pages, known: FakeAvailability) -> None:
    async with visitor_of(there, Owner(MARIE.account_id, "usr-paul")) as paul:
        answer = await paul.get(ONE)

    assert (answer.status_code, known.asked) == (404, [])


async def test_titles_cannot_become_markup(known: FakeAvailability, marie: Visitor) -> None:
    evil = '<script src="//x">'
    known.outlook = only(event(0, 9, 10, title=evil), entry("appointment", 0, 11, 12, "a-1"))
    known.booked = [replace(BOOKED[0], title=evil)]

    page = (await marie.get(ONE)).text

    assert evil not in page
    assert "&lt;script" in page


def test_the_examples_lie_where_they_say() -> None:
    assert at(0, 9.5) == NOW
    assert isinstance(at(0), datetime)
