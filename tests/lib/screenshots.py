"""`python -m screenshots FOLDER`: a picture of every page, in French on a desktop and in English on a phone."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from browsing import DESKTOP, PHONE, browser, context
from connector.domain.calendars import Setup
from connector.domain.connection import Connection, recalendared
from connector.inbound.pages.session import COOKIE
from connector_availability import CLOSED, CUT, IMPORTING, OUTLOOK, TROUBLED
from connector_examples import MARIE, NOW
from connector_pages import (
    CALENDARS,
    LIST,
    NEW,
    ONE,
    Pages,
    connection,
    importing,
    needing_reconnect,
    read_only,
    served,
    stale,
    token_of,
    troubled,
)

Made = Callable[[], Connection | None]


def _nothing() -> None:
    """No connection yet."""


def _unblocking() -> Connection:
    """A setup in which no calendar blocks."""
    return connection(terms=replace(connection().terms, setup=Setup(())))


PAGES: Final[Mapping[str, tuple[Made, str]]] = {
    "list-empty": (_nothing, LIST),
    "list": (connection, LIST),
    "list-troubled": (troubled, LIST),
    "new": (_nothing, f"{LIST}/new"),
    "connect": (_nothing, NEW),
    "setup": (connection, f"{ONE}/setup"),
    "setup-first": (importing, f"{ONE}/setup?told=connected"),
    "setup-read-only": (read_only, f"{ONE}/setup"),
    "setup-preview": (connection, f"{ONE}/setup"),
    "setup-outdated": (connection, f"{ONE}/setup"),
    "connection": (connection, f"{ONE}?told=saved"),
    "connection-day": (connection, f"{ONE}?day=2"),
    "connection-importing": (importing, ONE),
    "connection-stale": (stale, ONE),
    "connection-troubled": (troubled, ONE),
    "connection-needs-reconnect": (needing_reconnect, ONE),
    "connection-away": (connection, ONE),
    "connection-cut": (connection, ONE),
    "connection-nothing-blocks": (_unblocking, ONE),
    "reconnect": (needing_reconnect, f"{ONE}/reconnect"),
    "reconnect-refused": (needing_reconnect, f"{ONE}/reconnect"),
    "disconnect": (connection, f"{ONE}/disconnect"),
}
"""Every page and state that has an address: what Marie has, and where she looks."""

_OUTLOOKS: Final = {
    "connection-importing": IMPORTING,
    "connection-troubled": TROUBLED,
    "connection-stale": CLOSED,
    "connection-cut": CUT,
}


def visit(page: Page, there: Pages, origin: str, name: str) -> None:
    """Go to one of PAGES, signed in as Marie."""
    made, path = PAGES[name]
    page.goto("about:blank")  # a page that is open looks again by itself, and would see the next state
    there.keep(made())
    if there.availability is not None:
        there.availability.outlook = _OUTLOOKS.get(name, OUTLOOK)
        there.availability.away = name == "connection-away"
    page.context.add_cookies([{"name": COOKIE, "value": token_of(MARIE), "url": origin.replace("http:", "https:")}])
    page.goto(f"{origin}{path}")
    if name == "setup-preview":
        page.locator("button[name=preview]").click()
        page.locator("#preview").wait_for()
    if name == "setup-outdated":
        there.keep(recalendared(_unblocking(), CALENDARS[1:], told=1, at=NOW))
        page.locator("#when_stale-warn").check()
        page.locator(".actions button").first.click()
        page.locator("#outdated").wait_for()
    if name == "reconnect-refused":
        page.locator("#app_password").fill("aaaa-bbbb-cccc-dddd")
        page.locator(".actions button").click()
        page.locator("#apple_id").wait_for()


def main(folder: Path) -> None:
    """Write the pictures anew."""
    folder.mkdir(parents=True, exist_ok=True)
    there = Pages()
    with served(there) as origin, browser() as started:
        for language, size in (("fr", DESKTOP), ("en", PHONE)):
            with context(started, language=language, size=size) as somebody:
                page = somebody.new_page()
                for name in PAGES:
                    visit(page, there, origin, name)
                    page.screenshot(path=folder / f"{name}.{language}.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
