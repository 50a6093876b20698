"""How somebody uses a page: with a pointer, or with nothing but a keyboard."""

from typing import Final, Protocol

from playwright.sync_api import Locator, expect

_FAR: Final = 80
"""No page of ours has as many places to stop at."""


class Hand(Protocol):
    """Does what a person does, through the page alone."""

    def press(self, what: Locator) -> None:
        """Use a button or a link."""

    def write(self, where: Locator, text: str) -> None:
        """Put `text` in the place of what is in a field."""

    def pick(self, what: Locator) -> None:
        """Choose a radio button."""


class Pointer:
    """A mouse, or a finger."""

    def press(self, what: Locator) -> None:
        what.click()

    def write(self, where: Locator, text: str) -> None:
        where.fill(text)

    def pick(self, what: Locator) -> None:
        what.check()


class Keyboard:
    """Tab, Enter, space, arrows and letters."""

    def press(self, what: Locator) -> None:
        self._reach(what)
        what.page.keyboard.press("Enter")

    def write(self, where: Locator, text: str) -> None:
        self._reach(where)
        where.page.keyboard.press("Control+A")
        where.page.keyboard.type(text)

    def pick(self, what: Locator) -> None:
        """Tab stops once in a group of radio buttons; arrows choose within it."""
        page = what.page
        group = page.locator(f"input[name={what.get_attribute('name')}]")
        self._reach(group)
        for _ in range(group.count()):
            if what.is_checked():
                return
            page.keyboard.press("ArrowDown")
        expect(what).to_be_checked()

    def _reach(self, what: Locator) -> None:
        expect(what.first).to_be_attached()
        for _ in range(_FAR):
            if what.evaluate_all("(all) => all.includes(document.activeElement)"):
                assert what.page.evaluate("document.activeElement.matches(':focus-visible')"), "the focus is not seen"
                return
            what.page.keyboard.press("Tab")
        raise AssertionError(f"{what} cannot be reached with Tab")
