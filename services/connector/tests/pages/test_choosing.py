"""The setup page."""

from dataclasses import replace

import pytest

from connector.domain.calendars import AllDayRule, ConflictCalendar, Setup, WhenStale
from connector.domain.connection import Connection
from connector_examples import MARIE
from connector_pages import ONE, Pages, Visitor, connection, importing, read_only

PATH = f"{ONE}/setup"
FORM: dict[str, object] = {
    "linked": "home",
    "conflict": ["home", "club"],
    "all_day:home": "always_block",
    "all_day:work": "as_marked",
    "all_day:club": "never_block",
    "when_stale": "close",
    "titles": "on",
    "alarm": "15",
    "time_zone": "Pacific/Noumea",
}


def as_read(there: Pages) -> dict[str, object]:
    """What is sent of a form that has just been read."""
    return FORM | {"revision": there.revision}


async def kept(there: Pages) -> Connection:
    found = await there.store.of(MARIE)
    assert found is not None
    return found


async def test_everything_chosen_is_kept_at_once(there: Pages, marie: Visitor) -> None:
    there.keep(importing())

    answer = await marie.send(PATH, as_read(there))

    made = await kept(there)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ONE}?told=saved")
    assert made.terms.setup == Setup(
        (ConflictCalendar("home", AllDayRule.ALWAYS_BLOCK), ConflictCalendar("club", AllDayRule.NEVER_BLOCK)),
        "home",
        titles=True,
        when_stale=WhenStale.CLOSE,
        alarm_minutes=15,
    )
    assert made.terms.time_zone == "Pacific/Noumea"
    assert made.chosen


async def test_boxes_that_are_not_ticked_are_off(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    await marie.send(PATH, {"linked": "", "when_stale": "warn", "alarm": "", "revision": there.revision})

    assert (await kept(there)).terms.setup == Setup((), None, titles=False, when_stale=WhenStale.WARN)


async def test_the_linked_calendar_blocks_whatever_is_ticked(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    page = (await marie.get(PATH)).text
    await marie.send(PATH, as_read(there) | {"conflict": ["club"]})

    # Without scripts a locked box is not sent: the hidden one beside it is.
    assert '<input type="hidden" name="conflict" value="work">' in page
    assert 'name="conflict" value="work" checked disabled' in page
    assert (await kept(there)).terms.setup.conflict_ids == {"home", "club"}


async def test_what_cannot_be_chosen_says_why(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    page = (await marie.get(PATH)).text

    assert '<option value="club" disabled>Équipe de Paul (you may only read it)' in page
    assert 'name="conflict" value="holidays" disabled' in page
    assert "Subscription:" in page
    assert "reminders" not in page


async def test_with_read_only_access_nothing_can_be_linked(there: Pages, marie: Visitor) -> None:
    there.keep(read_only())

    page = (await marie.get(PATH)).text
    answer = await marie.send(PATH, as_read(there))

    assert 'name="linked"' not in page
    assert 'name="alarm"' not in page
    assert (answer.status_code, 'href="#linked_calendar_id"' in answer.text) == (422, True)
    assert (await kept(there)).terms == read_only().terms


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"linked": "club"}, "linked_calendar_id"),
        ({"conflict": ["holidays"]}, "conflict_calendars"),
        ({"conflict": ["c-2/stranger"]}, "conflict_calendars"),
        ({"time_zone": "Atlantis/Nowhere"}, "time_zone"),
    ],
)
async def test_a_choice_that_does_not_exist_is_refused_and_the_form_kept(
    there: Pages, marie: Visitor, change: dict[str, object], field: str
) -> None:
    there.keep(connection())

    answer = await marie.send(PATH, as_read(there) | change)

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-mistake"' in answer.text
    assert 'value="close" checked' in answer.text
    assert (await kept(there)).terms == connection().terms


@pytest.mark.parametrize(
    ("field", "typed"),
    [("alarm", "soon"), ("alarm", "-5"), ("alarm", "9" * 5_000), ("alarm", "99999"), ("alarm", "٣"), ("alarm", "²")],
)
async def test_an_alarm_that_is_no_number_is_none(there: Pages, marie: Visitor, field: str, typed: str) -> None:
    there.keep(connection())

    answer = await marie.send(PATH, as_read(there) | {field: typed})

    assert answer.status_code == 303
    assert (await kept(there)).terms.setup.alarm_minutes is None


async def test_words_that_are_none_of_ours_change_nothing(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    await marie.send(PATH, as_read(there) | {"when_stale": "panic", "all_day:home": "sometimes"})

    setup = (await kept(there)).terms.setup
    assert setup.when_stale is WhenStale.KEEP
    assert setup.conflict_calendars[0].all_day is AllDayRule.ALWAYS_BLOCK


async def test_a_calendar_that_icloud_no_longer_lists_may_stay(there: Pages, marie: Visitor) -> None:
    gone = connection()
    listed = tuple(one for one in gone.terms.calendars if one.id != "home")
    there.keep(replace(gone, terms=replace(gone.terms, calendars=listed)))

    page = (await marie.get(PATH)).text
    answer = await marie.send(PATH, as_read(there) | {"linked": "work", "conflict": ["home"]})

    assert "A calendar that iCloud no longer shows" in page
    assert answer.status_code == 303
    assert (await kept(there)).terms.setup.conflict_ids == {"home", "work"}


async def test_an_alarm_that_the_api_has_set_is_offered_too(there: Pages, marie: Visitor) -> None:
    setup = replace(connection().terms.setup, alarm_minutes=45)
    there.keep(connection(terms=replace(connection().terms, setup=setup)))

    page = (await marie.get(PATH)).text

    assert '<option value="45" selected>45 minutes before</option>' in page
    assert '<option value="60">1 hour before</option>' in page
    assert '<option value="2880">2 days before</option>' in page


async def test_a_preview_shows_the_choice_and_saves_nothing(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    answer = await marie.send(PATH, as_read(there) | {"preview": "1"})

    assert there.availability is not None
    assert answer.status_code == 200
    assert there.availability.tried[0] == {"home": AllDayRule.ALWAYS_BLOCK, "club": AllDayRule.NEVER_BLOCK}
    assert "What this would block" in answer.text
    assert answer.text.count("<details") == 14
    assert '<option value="home" selected>' in answer.text
    assert 'value="close" checked' in answer.text
    assert (await kept(there)).terms == connection().terms


async def test_a_preview_of_what_does_not_exist_leaves_it_out(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    await marie.send(PATH, as_read(there) | {"preview": "1", "conflict": ["home", "c-2/stranger"]})

    assert there.availability is not None
    assert set(there.availability.tried[0]) == {"home"}


async def test_a_preview_says_when_there_is_none_and_keeps_the_choice(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    assert there.availability is not None
    there.availability.away = True

    answer = await marie.send(PATH, as_read(there) | {"preview": "1"})

    assert answer.status_code == 200
    assert "cannot be shown at the moment" in answer.text
    assert '<option value="home" selected>' in answer.text


async def test_enter_saves_and_does_not_preview(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    page = (await marie.get(PATH)).text

    buttons = [button for button in page.split("<button")[1:] if 'type="submit"' in button]
    assert [">Save<" in button for button in buttons[-2:]] == [True, False]  # Enter presses the first
    assert 'formaction="/calendars/settings/connections/c-1/setup#preview"' in buttons[-1]


async def test_free_all_day_events_are_counted_beside_their_rule(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    assert there.availability is not None
    there.availability.marked_free = {"home": 12, "work": 1, "club": 0}

    page = (await marie.get(PATH)).text

    home, work = (page.partition(f'name="all_day:{one}"')[2].partition("</p>")[0] for one in ("home", "work"))
    assert set(there.availability.tried[0].values()) == {AllDayRule.AS_MARKED}
    assert set(there.availability.tried[0]) == {"home", "work", "club"}
    assert home.endswith("12 ahead are marked free in iCloud.")
    assert work.endswith("1 ahead is marked free in iCloud. To block such days, choose “always block”.")
    assert '<option value="always_block">always block<' in page
    assert page.count("marked free in iCloud") == 2
    assert 'aria-describedby="free-1"' in page
