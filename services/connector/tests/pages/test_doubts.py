"""What is said of a connection that is read, and of which not everything is as it should be."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.connection import Connection
from connector.domain.reading import Quarantined, UnreadableEvent
from connector_examples import NOW
from connector_pages import LIST, ONE, Pages, Visitor, connection, troubled


def with_doubts(*, held: bool, unread: bool) -> Connection:
    """Fresh, with a question about removals, or with events that cannot be read."""
    reading = troubled().reading
    present = replace(reading, as_of=NOW, behind=(), held=reading.held if held else ())
    return connection(reading=present if unread else replace(present, quarantined=()))


@pytest.mark.parametrize(
    ("held", "unread", "said"),
    [
        (True, False, "Up to date, except for what stands above"),
        (False, True, "Up to date, except for what could not be read (below)"),
        (True, True, "Up to date, except for what stands above and what could not be read (below)"),
    ],
)
async def test_not_everything_is_up_to_date_below_a_warning(
    there: Pages,
    marie: Visitor,
    held: bool,  # noqa: FBT001 - a parameter of the test
    unread: bool,  # noqa: FBT001 - a parameter of the test
    said: str,
) -> None:
    there.keep(with_doubts(held=held, unread=unread))

    page = (await marie.get(ONE)).text

    assert f'<h2 id="state-heading">{said}</h2>' in page
    assert "Everything is up to date" not in page
    assert 'data-state="fresh"' in page


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("too_many_occurrences", "it repeats too often. Its first times block, and from some day on none does"),
        ("too_much_work", "it repeats too often. Its first times block, and from some day on none does"),
        ("rule_malformed", "it may repeat, but we cannot make out when. Only this time blocks"),
        ("rule_unsupported", "it may repeat, but we cannot make out when. Only this time blocks"),
        ("too_many_in_all", "it blocks without a gap from its first day to its last"),
    ],
)
async def test_what_blocks_of_a_series_that_cannot_be_read_is_told(
    there: Pages, marie: Visitor, reason: str, said: str
) -> None:
    start = NOW + timedelta(days=3)
    several = tuple(UnreadableEvent("e-1", one, start, start + timedelta(hours=1)) for one in (reason, "zone_unknown"))
    there.keep(connection(reading=replace(connection().reading, quarantined=(Quarantined("work", 2, several),))))

    page = (await marie.get(ONE)).text

    plain, other = re.findall(r"<li>(Thursday 26 November 2026, 09:30\u201310:30.*?)</li>", page)
    assert said in plain
    assert other == "Thursday 26 November 2026, 09:30\u201310:30"
    assert "Only what we know of their times blocks." in page


async def test_the_list_says_that_a_question_waits(there: Pages, marie: Visitor) -> None:
    there.keep(troubled())

    page = (await marie.get(LIST)).text

    notice = page.partition('<div class="notice notice-warn">')[2].partition("</div>")[0]
    assert "<p>A question waits for you: were events really deleted?</p>" in notice
    assert "<p>23 events could not be read.</p>" in notice
    assert f'<a href="{ONE}">Look at it</a>' in notice
