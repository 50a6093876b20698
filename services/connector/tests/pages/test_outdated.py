"""The setup's form, read before something changed and saved after."""

import re
from dataclasses import replace

import pytest

from connector.domain.calendars import AllDayRule, Calendar, ConflictCalendar, WhenStale
from connector.domain.connection import Connection, Terms, recalendared
from connector_examples import LATER, MARIE
from connector_pages import CALENDARS, ONE, Pages, Visitor, connection, importing

PATH = f"{ONE}/setup"
NEW = replace(CALENDARS[0], id="new", name="Mariage")
AS_SHOWN: dict[str, object] = {
    "linked": "work",
    "conflict": ["home", "work"],
    "all_day:home": "always_block",
    "all_day:work": "as_marked",
    "all_day:club": "as_marked",
    "when_stale": "keep",
    "alarm": "30",
    "time_zone": "Europe/Paris",
}
"""The form of Marie's usual connection, as its reader found it."""
FIRST = AS_SHOWN | {"linked": "", "all_day:home": "as_marked", "alarm": ""}
"""That of one whose setup is not chosen yet: the safe default."""


async def kept(there: Pages) -> Connection:
    found = await there.store.of(MARIE)
    assert found is not None
    return found


def arrives(there: Pages, shown: Connection, *calendars: Calendar) -> None:
    there.keep(recalendared(shown, calendars or (*CALENDARS, NEW), told=1, at=LATER))


def saved_elsewhere(there: Pages, **changes: object) -> Terms:
    one = connection()
    setup = replace(one.terms.setup, **changes)  # type: ignore[arg-type]  # fields by name
    terms = replace(one.terms, setup=setup)
    there.keep(replace(one, terms=terms, revision=2))
    return terms


def notice(page: str) -> list[str]:
    part = page.partition('id="outdated"')[2].partition("</ul>")[0]
    return [re.sub(r"<[^>]+>", "", one).strip() for one in part.split("<li>")[1:]]


def ticked(page: str) -> set[str]:
    return set(re.findall(r'name="conflict" value="(\w+)" checked', page))


async def test_a_calendar_that_came_meanwhile_goes_on_blocking(there: Pages, marie: Visitor) -> None:
    there.keep(importing())
    read = there.revision
    arrives(there, importing())

    again = await marie.send(PATH, FIRST | {"revision": read, "conflict": ["home"]})
    held_back = await kept(there)
    saved = await marie.send(PATH, FIRST | {"revision": there.revision, "conflict": ["home", "new"]})

    assert (again.status_code, ticked(again.text)) == (409, {"home", "new"})
    assert notice(again.text) == ["“Mariage” is new in iCloud. It blocks time."]
    assert (held_back.chosen, "new" in held_back.terms.setup.conflict_ids) == (False, True)
    assert saved.status_code == 303
    assert (await kept(there)).terms.setup.conflict_ids == {"home", "new"}


async def test_a_calendar_that_came_after_the_choice_stays_new_until_somebody_has_seen_it(
    there: Pages, marie: Visitor
) -> None:
    there.keep(connection())
    read = there.revision
    arrives(there, connection())

    again = await marie.send(PATH, AS_SHOWN | {"revision": read, "titles": "on"})
    held_back = await kept(there)
    await marie.send(PATH, AS_SHOWN | {"revision": there.revision, "titles": "on"})

    assert (again.status_code, ticked(again.text)) == (409, {"home", "work"})
    assert notice(again.text) == ["“Mariage” is new in iCloud. It does not block time."]
    assert 'name="titles" value="on" checked' in again.text
    assert held_back.newcomers == (NEW,)
    assert (await kept(there)).newcomers == ()


async def test_what_was_left_alone_is_as_another_window_saved_it(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    read = there.revision
    terms = saved_elsewhere(there, when_stale=WhenStale.CLOSE, linked_calendar_id="home", alarm_minutes=None)

    again = await marie.send(PATH, AS_SHOWN | {"revision": read, "alarm": "15", "time_zone": "Pacific/Noumea"})

    assert again.status_code == 409
    assert (await kept(there)).terms == terms
    assert 'value="close" checked' in again.text
    assert '<option value="home" selected>' in again.text
    assert '<option value="15" selected>' in again.text
    assert '<option value="Pacific/Noumea" selected>' in again.text
    assert f'name="revision" value="{there.revision}"' in again.text
    assert notice(again.text) == [
        "Calendar for appointments: now “Privé”.",
        "When iCloud cannot be read: now “Close the booking page”.",
        "Alert before appointments: now “No alert”.",
    ]


async def test_what_was_chosen_stays_although_another_window_saved_something_else(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    read = there.revision
    saved_elsewhere(there, conflict_calendars=(ConflictCalendar("work", AllDayRule.NEVER_BLOCK),))

    again = await marie.send(PATH, AS_SHOWN | {"revision": read, "conflict": ["home", "work", "club"]})

    assert (again.status_code, ticked(again.text)) == (409, {"home", "work", "club"})
    assert notice(again.text) == ["Other calendars or all-day rules were saved."]


async def test_a_calendar_that_went_is_told_and_not_chosen(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    read = there.revision
    arrives(there, connection(), *(one for one in CALENDARS if one.id != "club"))

    again = await marie.send(PATH, AS_SHOWN | {"revision": read, "linked": "club", "conflict": ["home", "club"]})

    assert (again.status_code, ticked(again.text)) == (409, {"home", "work"})
    assert notice(again.text) == ["1 calendar is no longer there."]


async def test_a_form_sent_twice_is_saved_once_and_says_so_twice(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    form = AS_SHOWN | {"revision": there.revision, "when_stale": "warn"}

    answers = [await marie.send(PATH, form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert (await kept(there)).revision == 2


@pytest.mark.parametrize("revision", ["", "none of ours"])
async def test_a_form_that_says_not_what_it_was_made_from_is_not_believed(
    there: Pages, marie: Visitor, revision: str
) -> None:
    there.keep(connection())

    again = await marie.send(PATH, AS_SHOWN | {"revision": revision, "when_stale": "warn"})

    assert again.status_code == 409
    assert 'value="warn" checked' in again.text
    assert (await kept(there)).terms == connection().terms


async def test_a_preview_of_an_outdated_form_shows_what_changed_first(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    read = there.revision
    arrives(there, connection())

    again = await marie.send(PATH, AS_SHOWN | {"revision": read, "preview": "1"})

    assert again.status_code == 409
    assert "What this would block" not in again.text
    assert notice(again.text) == ["“Mariage” is new in iCloud. It does not block time."]


async def test_the_notice_speaks_french_and_takes_the_focus(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    read = there.revision
    arrives(there, connection())

    again = await marie.send(PATH, AS_SHOWN | {"revision": read, "titles": "on"}, **{"Accept-Language": "fr"})

    assert 'id="outdated" role="alert" tabindex="-1" autofocus' in again.text
    assert notice(again.text) == ["«\u00a0Mariage\u00a0» est nouveau dans iCloud. Il ne bloque pas de temps."]
