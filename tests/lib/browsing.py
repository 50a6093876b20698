"""Debian's Chromium, driven by Playwright; it speaks to this machine alone."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PHONE: Final = (360, 740)
DESKTOP: Final = (1280, 900)
_QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_CUT: Final = """() => {
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ["the page"] : [];
  const texts = [...document.querySelectorAll("body *:not(svg *, option, optgroup, select, input, .hidden)")];
  const cut = texts.filter((e) => e.checkVisibility() && (e.scrollWidth > e.clientWidth + 1)
    && getComputedStyle(e).display !== "inline" && e.clientWidth > 0);
  return [...wide, ...cut.map((e) => `${e.tagName.toLowerCase()}.${e.className}`)];
}"""


_OF_THE_CHECKOUT = Path(__file__).parents[2] / ".servers"


def chromium() -> str | None:
    """Where it is, if it is: the machine's, else the one that set-up put into the checkout."""
    of_the_checkout = shutil.which("chromium", path=str(_OF_THE_CHECKOUT))
    return shutil.which("chromium") or shutil.which("chromium-browser") or of_the_checkout


def demand_chromium() -> None:
    """Skip the test where there is none; CI never does."""
    if chromium() is None:
        missing = "there is no chromium: tools/browser.sh"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


@contextmanager
def browser() -> Iterator[Browser]:
    """One for many tests: to start it takes a second."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=list(_QUIET))
        yield started
        started.close()


@contextmanager
def context(
    of: Browser, *, language: str, size: tuple[int, int], script: bool = True, dark: bool = False
) -> Iterator[BrowserContext]:
    """Somebody's browser, with nothing in it."""
    opened = of.new_context(
        locale="fr-FR" if language == "fr" else "en-GB",
        timezone_id="Europe/Paris",
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=script,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    opened.set_default_timeout(30_000)
    yield opened
    opened.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA, and its own best practices."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": list(_RULES)}})
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


def cut_off(page: Page) -> list[str]:
    """What is wider than its place."""
    return list(page.evaluate(_CUT))
