"""Coming weeks that hold more than availability tells at once."""

import re
from dataclasses import replace

from connector_ahead import bars, day, lines
from connector_availability import CUT, FakeAvailability
from connector_pages import ONE, Pages, Visitor


async def test_no_day_looks_open_of_which_not_everything_is_told(known: FakeAvailability, marie: Visitor) -> None:
    known.outlook = CUT

    page, french = [(await marie.get(ONE, **{"Accept-Language": language})).text for language in ("en", "fr")]

    drawn = [bars(page, number).get("cut", 0) for number in range(14)]
    assert drawn == [0] * 3 + [1] * 11
    assert re.search(r'<g class="cut"><rect x=58\.3% width=41\.7% />', day(page, 3))
    assert "Not everything is shown" in page.partition('class="legend"')[2].partition("</ul>")[0]
    assert "From 26 November on, what looks open may be taken." in page
    assert "From 1 December on, some of it is left out." in page
    assert "À partir du 26 novembre, ce qui semble libre peut être pris." in french
    assert "À partir du 1er décembre, il en manque." in french
    assert not any("ot everything" in day(page, number) for number in range(3))
    assert "3 blocking, 2 seen and left open, and not everything is shown" in day(page, 3)
    assert lines(page, 3)[-1] == ["from 14:00", "More may block than is shown"]
    assert lines(page, 12) == [
        ["All day", "More may block than is shown"],
        ["All day", "More may be seen and left open than is shown"],
    ]
    assert "Saturday 5 December 2026: Not everything is shown" in day(page, 12)
    assert "Nothing that we know of" not in page
    assert "Tout n\N{RIGHT SINGLE QUOTATION MARK}est pas affiché" in day(french, 12)


async def test_weeks_of_another_year_tell_it_also_where_they_are_cut(known: FakeAvailability, marie: Visitor) -> None:
    known.outlook = CUT

    page = (await marie.http.get(ONE, params={"ahead": "27"})).text

    assert "From Monday 6 December 2027 on, what looks open may be taken." in page


async def test_what_was_left_out_of_the_open_side_makes_nothing_look_taken(
    known: FakeAvailability, marie: Visitor
) -> None:
    known.outlook = replace(CUT, more=("ignored",))

    page = (await marie.get(ONE)).text

    assert [number for number in range(14) if "cut" in bars(page, number)] == []
    assert lines(page, 12) == [["All day", "More may be seen and left open than is shown"]]
    assert "may be taken" not in page


async def test_a_preview_tells_that_not_everything_is_shown(
    there: Pages, known: FakeAvailability, marie: Visitor
) -> None:
    known.outlook = CUT
    picked = {"preview": "1", "conflict": ["home"], "when_stale": "keep", "revision": there.revision}

    page = (await marie.send(f"{ONE}/setup", picked)).text

    assert "From 26 November on, what looks open may be taken." in page
    assert lines(page, 13)[0] == ["All day", "More may block than is shown"]
