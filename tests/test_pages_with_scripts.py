"""What the pages' script makes easier, and what screen readers are told, in a real browser."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import PHONE, browser, context, cut_off, demand_chromium, violations
from connector.inbound.pages.catalogue import read_catalogues
from connector_availability import OUTLOOK
from connector_examples import APP_PASSWORD, APPLE_ID
from connector_pages import CALENDARS, LIST, NEW, ONE, Pages, connection, served
from screenshots import visit

pytestmark = [pytest.mark.servers, pytest.mark.story]
MILLISECONDS = 30_000
WORDS = read_catalogues()["fr"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    demand_chromium()
    with browser() as started:
        yield started


@pytest.fixture
def looked_at(chromium: Browser) -> Iterator[tuple[Page, Pages, str]]:
    """A phone, and pages at whose states it may look."""
    there = Pages()
    with served(there) as origin, context(chromium, language="fr", size=PHONE) as opened:
        yield opened.new_page(), there, origin


def test_the_end_of_the_import_is_shown_everywhere_and_said(looked_at: tuple[Page, Pages, str]) -> None:
    page, there, origin = looked_at
    page.clock.install()
    visit(page, there, origin, "connection-importing")
    page.locator("#day-2 summary").click()
    page.locator("#main").focus()
    there.keep(connection())

    said = page.get_by_role("status").filter(has_text=str(WORDS("state.fresh.says")))
    expect(said).to_have_count(1, timeout=MILLISECONDS)
    expect(page.locator("#badge")).to_have_text(str(WORDS("state.fresh.name")))
    expect(page.locator("#ahead")).to_have_attribute("data-state", "importing")
    # Availability hears of it a little later.
    assert there.availability is not None
    there.availability.outlook = OUTLOOK
    page.clock.fast_forward("00:15")
    expect(page.locator("#ahead")).to_have_attribute("data-state", "fresh", timeout=MILLISECONDS)
    expect(page.locator("#day-2")).to_have_attribute("open", "")
    assert violations(page) == []


def test_a_box_says_why_it_is_locked_as_long_as_it_is(looked_at: tuple[Page, Pages, str]) -> None:
    page, there, origin = looked_at
    locked = str(WORDS("setup.blocking.locked"))
    visit(page, there, origin, "setup")
    private, salon = (page.get_by_role("checkbox", name=name, exact=True) for name in ("Privé", "Salon"))

    expect(salon).to_be_disabled()
    expect(salon).to_have_accessible_description(locked)
    page.locator("#linked_calendar_id").select_option(label="Privé")
    expect(private).to_be_disabled()
    expect(private).to_have_accessible_description(locked)
    expect(salon).to_be_enabled()
    expect(salon).to_have_accessible_description("")
    expect(page.get_by_text(locked)).to_have_count(1)
    page.locator("#linked_calendar_id").select_option(value="")
    expect(page.get_by_text(locked)).to_have_count(0)
    assert violations(page) == []


@pytest.mark.parametrize(
    ("name", "option", "key"), [("connect", "radio", "access.full"), ("setup", "checkbox", "setup.titles")]
)
def test_an_option_is_read_by_its_name_and_its_hint_once(
    looked_at: tuple[Page, Pages, str], name: str, option: Literal["checkbox", "radio"], key: str
) -> None:
    page, there, origin = looked_at
    visit(page, there, origin, name)

    told = page.get_by_role(option, name=str(WORDS(f"{key}.name")), exact=True)
    expect(told).to_have_accessible_description(str(WORDS(f"{key}.hint")))


def test_the_steps_are_a_touch_away_where_they_stand_below_the_form(looked_at: tuple[Page, Pages, str]) -> None:
    page, there, origin = looked_at
    visit(page, there, origin, "connect")

    page.locator(".to-steps a").click()
    expect(page.locator("#steps-heading")).to_be_in_viewport()


def test_a_choice_that_came_too_late_is_asked_for_again(looked_at: tuple[Page, Pages, str]) -> None:
    page, there, origin = looked_at
    visit(page, there, origin, "setup")
    page.locator("#when_stale-warn").check()
    there.keep(connection(terms=replace(connection().terms, time_zone="Europe/London"), revision=2))

    page.get_by_role("button", name=str(WORDS("setup.save"))).click()
    expect(page.locator("#outdated")).to_be_focused()
    expect(page.locator("#outdated")).to_contain_text("Londres")
    expect(page.locator("#when_stale-warn")).to_be_checked()
    assert [*violations(page), *cut_off(page)] == []


@pytest.mark.parametrize(
    ("field", "wrong", "right", "key"),
    [
        ("apple_id", "", APPLE_ID, "form.empty.apple_id"),
        ("apple_id", "marie", APPLE_ID, None),
        ("time_zone_other", "Atlantis", "montreal", "form.unknown_time_zone"),
        ("time_zone_other", "", "La Réunion", "form.empty.time_zone"),
    ],
)
def test_a_mistake_elsewhere_costs_nobody_their_password(
    looked_at: tuple[Page, Pages, str], field: str, wrong: str, right: str, key: str | None
) -> None:
    page, _, origin = looked_at
    visit(page, looked_at[1], origin, "connect")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    with page.expect_response("**/zones.txt*"):
        page.locator("#time_zone").select_option("other")
    for name, typed in {"apple_id": APPLE_ID, "app_password": APP_PASSWORD, "time_zone_other": "Lisbonne"}.items():
        page.locator(f"#{name}").fill(typed)
    page.locator(f"#{field}").fill(wrong)
    connect = page.get_by_role("button", name=str(WORDS("new.connect")), exact=True)

    connect.click()
    mistake = page.locator(f"#{field.removesuffix('_other')}-mistake")
    expect(mistake).to_be_visible()
    if key is not None:
        expect(mistake).to_have_text(str(WORDS(key)))
    expect(page.locator(f"#{field}")).to_be_focused()
    expect(page.locator("#app_password")).to_have_value(APP_PASSWORD)
    assert [*violations(page), *cut_off(page)] == []
    assert "POST" not in sent

    page.locator(f"#{field}").fill(right)
    expect(mistake).to_have_count(0)
    connect.click()
    page.wait_for_url(f"{origin}{ONE}/setup*")


def test_an_empty_form_is_told_what_belongs_into_it(looked_at: tuple[Page, Pages, str]) -> None:
    page, there, origin = looked_at
    visit(page, there, origin, "connect")

    page.get_by_role("button", name=str(WORDS("new.connect")), exact=True).click()

    for field in ("apple_id", "app_password"):
        expect(page.locator(f"#{field}-mistake")).to_have_text(str(WORDS(f"form.empty.{field}")))
    expect(page.locator("#time_zone-mistake")).to_have_count(0)
    expect(page.locator("#apple_id")).to_be_focused()
    assert page.url == f"{origin}{NEW}"


@pytest.mark.parametrize("where", [ONE, f"{ONE}/setup", LIST])
def test_a_long_name_stands_beside_its_colour(looked_at: tuple[Page, Pages, str], where: str) -> None:
    page, there, origin = looked_at
    name = "Rendez-vous du salon et de l\u2019institut de la rue de la République"
    calendars = tuple(replace(one, name=name) if one.supported else one for one in CALENDARS)
    visit(page, there, origin, "list")
    there.keep(connection(terms=replace(connection().terms, calendars=calendars)))
    page.goto(f"{origin}{where}")

    beside = page.evaluate(
        """() => [...document.querySelectorAll(".dot")].map((dot) => {
          const range = document.createRange();
          range.selectNodeContents(dot.parentElement);
          const lines = [...range.getClientRects()].filter((box) => box.width > 20);
          const [at, first] = [dot.getBoundingClientRect(), lines[0]];
          const middle = (at.top + at.bottom) / 2;
          const left = Math.min(...lines.map((box) => box.left));
          return at.right <= left && first.top < middle && middle < lines.at(-1).bottom;
        })"""
    )
    assert len(beside) >= 2
    assert all(beside)
