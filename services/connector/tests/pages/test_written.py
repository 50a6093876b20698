"""What was written to iCloud, on the connection's page."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from connector_availability import BOOKED, FakeAvailability
from connector_examples import NOW
from connector_pages import ONE, Pages, Visitor, connection, read_only


def lines(page: str) -> list[str]:
    """What is told of each appointment."""
    part = page.partition('id="written-heading"')[2]
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in re.findall("<li class=.*?</li>", part, re.DOTALL)]


@pytest.mark.usefixtures("known")
async def test_what_was_written_is_told_newest_first(marie: Visitor) -> None:
    told = lines((await marie.get(ONE)).text)

    failed = "Could not be written to iCloud: your iCloud storage is full ( 20 hours ago )"
    created = "Created in iCloud ( Saturday 21 November 2026 at 09:30 )"
    moved = "You moved it in iCloud, to Wednesday 25 November 2026 at 16:00 . In CrocoClick it stays as booked."
    assert told == [
        "Brushing, Inès Roy Thursday 26 November 2026 at 17:00 Waits to be written to iCloud ( 1 minute ago )",
        "Couleur, Léa Petit Tuesday 24 November 2026 at 14:00 Moved in iCloud ( 4 minutes ago )",
        "Coupe, Camille Martin Monday 23 November 2026 at 11:00 Created in iCloud ( 3 hours ago )",
        f"Mèches, Chloé Faure Tuesday 1 December 2026 at 10:00 {failed}",
        f"Coupe, Nadia Benali Wednesday 25 November 2026 at 09:30 {created} {moved}",
    ]


async def test_ten_of_them_are_enough(known: FakeAvailability, marie: Visitor) -> None:
    known.booked = [replace(BOOKED[0], id=str(number), at=NOW - timedelta(hours=number)) for number in range(1, 25)]

    assert (await marie.get(ONE)).text.count('class="written-exported"') == 10


async def test_a_cancelled_one_is_told_with_when_it_was_deleted_or_why_it_was_not(
    known: FakeAvailability, marie: Visitor
) -> None:
    yesterday, lately = NOW - timedelta(days=1, hours=1), NOW - timedelta(minutes=5)
    one = replace(BOOKED[0], what="cancelled", at=yesterday, cancelled=True, export="pending")
    known.booked = [
        replace(one, id="gone", export="removed", export_at=lately),
        replace(one, id="tried", reason="icloud_unavailable", at=NOW - timedelta(hours=2)),
        replace(one, id="refused", export="failed", reason="calendar_gone", at=NOW - timedelta(hours=3)),
        replace(one, id="stays", export="not_exported", reason="not_connected", at=NOW - timedelta(hours=4)),
        replace(one, id="unheard-of", export="evaporated", at=NOW - timedelta(hours=5)),
        replace(one, id="never-there", export="not_exported"),
    ]

    english, french = [lines((await marie.get(ONE, **{"Accept-Language": one})).text) for one in ("en", "fr")]

    assert [line.removeprefix("Coupe, Camille Martin Monday 23 November 2026 at 11:00 ") for line in english] == [
        "Cancelled, and deleted from iCloud ( 5 minutes ago )",
        "Cancelled, waits to be deleted from iCloud: iCloud does not answer, we try again ( 2 hours ago )",
        "Cancelled, but could not be deleted from iCloud: the calendar for appointments is gone ( 3 hours ago )",
        "Cancelled, but not deleted from iCloud: iCloud is not connected ( 4 hours ago )",
        "Cancelled, waits to be deleted from iCloud ( 5 hours ago )",
    ]
    assert (len(french), french[0].endswith("iCloud ( il y a 5 minutes )")) == (5, True)


async def test_a_reason_of_tomorrow_is_told_as_unknown(known: FakeAvailability, marie: Visitor) -> None:
    known.booked = [replace(BOOKED[0], export="failed", reason="eclipse", what="blessed")]

    assert "the reason is unknown, we try again" in (await marie.get(ONE)).text


async def test_where_nothing_is_written_the_page_says_why(
    there: Pages, known: FakeAvailability, marie: Visitor
) -> None:
    known.booked = []
    pages = []
    terms = connection().terms
    unlinked = replace(terms, setup=replace(terms.setup, linked_calendar_id=None))
    for one in (connection(), read_only(), connection(terms=unlinked)):
        there.keep(one)
        pages.append((await marie.get(ONE)).text)

    assert "your next appointments will be listed here" in pages[0]
    assert "You chose read-only access" in pages[1]
    assert "no calendar is chosen for your appointments" in pages[2]
