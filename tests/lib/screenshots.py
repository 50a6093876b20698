"""`python -m screenshots FOLDER`: a picture of every page, in French on a desktop and in English on a phone."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from browsing import DESKTOP, PHONE, browser, context
from connector.domain.connection import Connection
from connector.inbound.pages.session import COOKIE
from connector_examples import MARIE
from connector_pages import (
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


PAGES: Final[Mapping[str, tuple[Made, str]]] = {
    "list-empty": (_nothing, LIST),
    "list": (connection, LIST),
    "new": (_nothing, f"{LIST}/new"),
    "connect": (_nothing, NEW),
    "setup": (connection, f"{ONE}/setup"),
    "setup-first": (importing, f"{ONE}/setup?told=connected"),
    "setup-read-only": (read_only, f"{ONE}/setup"),
    "connection": (connection, f"{ONE}?told=saved"),
    "connection-importing": (importing, ONE),
    "connection-stale": (stale, ONE),
    "connection-troubled": (troubled, ONE),
    "connection-needs-reconnect": (needing_reconnect, ONE),
    "reconnect": (needing_reconnect, f"{ONE}/reconnect"),
    "disconnect": (connection, f"{ONE}/disconnect"),
}
"""Every page and state that has an address: what Marie has, and where she looks."""


def visit(page: Page, there: Pages, origin: str, name: str) -> None:
    """Go to one of PAGES, signed in as Marie."""
    made, path = PAGES[name]
    there.keep(made())
    page.context.add_cookies([{"name": COOKIE, "value": token_of(MARIE), "url": origin.replace("http:", "https:")}])
    page.goto(f"{origin}{path}")


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
