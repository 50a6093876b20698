"""The pages in every state, looked at in a real browser: nothing is cut, nothing is hard to use."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from browsing import DESKTOP, PHONE, browser, context, cut_off, demand_chromium, violations
from connector_pages import Pages, served
from screenshots import PAGES, visit

pytestmark = [pytest.mark.servers, pytest.mark.story]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    demand_chromium()
    with browser() as started:
        yield started


@pytest.mark.parametrize(("language", "size", "dark"), [("fr", PHONE, False), ("en", DESKTOP, True)])
def test_no_page_in_any_state_is_cut_or_hard_to_use(
    chromium: Browser,
    language: str,
    size: tuple[int, int],
    dark: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    there = Pages()
    wrong: dict[str, list[str]] = {}
    with served(there) as origin, context(chromium, language=language, size=size, dark=dark) as opened:
        page = opened.new_page()
        for name in PAGES:
            visit(page, there, origin, name)
            wrong[name] = [*violations(page), *cut_off(page)]

    assert {name: faults for name, faults in wrong.items() if faults} == {}


@pytest.mark.parametrize(("language", "size"), [("en", PHONE), ("fr", DESKTOP)])
def test_no_page_is_cut_in_the_other_language(chromium: Browser, language: str, size: tuple[int, int]) -> None:
    there = Pages()
    wrong: dict[str, list[str]] = {}
    with served(there) as origin, context(chromium, language=language, size=size) as opened:
        page = opened.new_page()
        for name in PAGES:
            visit(page, there, origin, name)
            wrong[name] = cut_off(page)

    assert {name: faults for name, faults in wrong.items() if faults} == {}
