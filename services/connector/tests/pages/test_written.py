"""What was written to iCloud, on the connection's page."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from connector_availability import BOOKED, FakeAvailability
from connector_examples import NOW
from connector_pages import ONE, Pages, Visitor, connection, read_only


@pytest.mark.usefixtures("known")
async def test_what_was_written_is_told_newest_first(marie: Visitor) -> None:
    page = (await marie.get(ONE)).text

    part = page.partition('id="written-heading"')[2]
    lines = [
        " ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in re.findall("<li class=.*?</li>", part, re.DOTALL)
    ]
    failed = "Could not be written to iCloud: your iCloud storage is full ( 20 hours ago )"
    created = "Created in iCloud ( Saturday 21 November 2026 at 09:30 )"
    moved = "You moved it in iCloud, to Wednesday 25 November 2026 at 16:00 . In CrocoClick it stays as booked."
    assert lines == [
        "Brushing, Inès Roy Thursday 26 November 2026 at 17:00 Waits to be written to iCloud ( 1 minute ago )",
        "Couleur, Léa Petit Tuesday 24 November 2026 at 14:00 Moved in iCloud ( 4 minutes ago )",
        "Coupe, Camille Martin Monday 23 November 2026 at 11:00 Created in iCloud ( 3 hours ago )",
        f"Mèches, Chloé Faure Tuesday 1 December 2026 at 10:00 {failed}",
        f"Coupe, Nadia Benali Wednesday 25 November 2026 at 09:30 {created} {moved}",
    ]


async def test_ten_of_them_are_enough(known: FakeAvailability, marie: Visitor) -> None:
    known.booked = [replace(BOOKED[0], id=str(number), at=NOW - timedelta(hours=number)) for number in range(1, 25)]

    assert (await marie.get(ONE)).text.count('class="written-exported"') == 10


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
