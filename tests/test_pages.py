"""The pages as people use them, in a real browser: the story from end to end, on pages that are never cut."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from aiokafka import AIOKafkaProducer
from playwright.sync_api import Browser, Locator, Page, expect

from apple_users import CANARY, PARIS, AppleUsers, Person
from browsing import DESKTOP, PHONE, browser, context, cut_off, demand_chromium
from connector.inbound.pages.catalogue import Words, read_catalogues
from connector.inbound.pages.session import COOKIE
from contracts.events import CredentialsRejected
from contracts.wire import encode
from hands import Hand, Keyboard, Pointer
from icloud_simulator.client import SimulatorAdmin
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story]
PATIENCE = 30
MILLISECONDS = 1_000 * PATIENCE
NEW_PASSWORD = f"{CANARY}-newx-newy"
MAIN_PASSWORD = f"{CANARY}-Main-2026!"
"""Not of an app-specific one's shape; the search for canaries looks for it, too."""
FAR_AHEAD = 1_000_000_000
"""A revision that no pass of these tests reaches."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    demand_chromium()
    with browser() as started:
        yield started


@dataclass
class Somebody:
    """A person before a screen."""

    person: Person
    page: Page
    words: Words
    hand: Hand
    script: bool
    stack: LocalStack

    def sign_in(self) -> None:
        crococlick = self.person.crococlick
        self.page.goto(f"{self.stack.env['SIGN_IN_URL']}/?account={crococlick.account}&user={crococlick.user}")
        self.hand.press(self.page.get_by_role("button", name="Continue as"))
        self.sees("heading", "list.empty")
        # The platform's tokens also let people read what is known of their time.
        token = self.stack.token(crococlick.account, crococlick.user, "calendar:manage availability:read")
        origin = self.stack.env["CONNECTOR_URL"].replace("http:", "https:")
        self.page.context.add_cookies([{"name": COOKIE, "value": token, "url": origin}])
        self.page.goto(self.page.url)

    def does(self, role: Literal["button", "link"], *keys: str) -> None:
        self.hand.press(self.found(role, *keys))

    def sees(self, role: Literal["heading"], key: str) -> None:
        expect(self.found(role, key)).to_be_visible(timeout=MILLISECONDS)
        self.demand_good_page()

    def hears(self, key: str) -> None:
        """What a form led to is said where screen readers hear it."""
        expect(self.page.get_by_role("status").filter(has_text=str(self.words(key)))).to_be_visible()
        self.demand_good_page()

    def found(self, role: Literal["button", "heading", "link"], *keys: str) -> Locator:
        """By the name that screen readers tell."""
        return self.page.get_by_role(role, name=" ".join(str(self.words(key)) for key in keys), exact=True)

    def writes(self, field: str, text: str) -> None:
        self.hand.write(self.page.locator(f"#{field}"), text)

    def chooses(self, field: str, label: str) -> None:
        """Of a list to choose from; with a keyboard by typing it."""
        if isinstance(self.hand, Keyboard):
            self.writes(field, label)
        else:
            self.page.locator(f"#{field}").select_option(label=label)

    def demand_good_page(self) -> None:
        assert cut_off(self.page) == []
        expect(self.page.locator("html")).to_have_attribute("lang", self.words.language)


@pytest.fixture
def way(request: pytest.FixtureRequest, chromium: Browser, users: AppleUsers, stack: LocalStack) -> Iterator[Somebody]:
    language, size, hand, script = request.param
    with ExitStack() as closing:
        opened = closing.enter_context(context(chromium, language=language, size=size, script=script))
        yield Somebody(users.person(), opened.new_page(), read_catalogues()[language], hand, script, stack)


WAYS = {
    "French on a phone": ("fr", PHONE, Pointer(), True),
    "English on a desktop": ("en", DESKTOP, Pointer(), True),
    "without scripts": ("fr", DESKTOP, Pointer(), False),
    "with a keyboard alone": ("en", PHONE, Keyboard(), True),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys(), indirect=True)
def test_the_story_from_connecting_to_disconnecting(way: Somebody, apple: SimulatorAdmin) -> None:
    way.sign_in()
    _connect(way, apple)
    _set_up(way)
    _sync(way)
    _look_ahead(way)
    _lose_the_password(way, apple)
    _reconnect(way)
    _disconnect(way)
    _sign_out(way)


def _connect(way: Somebody, apple: SimulatorAdmin) -> None:
    account = way.person.apple
    way.does("link", "list.add")
    way.does("link", "new.connect", "icloud")
    way.writes("apple_id", account.apple_id)
    way.writes("app_password", MAIN_PASSWORD)
    way.does("button", "new.connect")

    expect(way.page.locator("#app_password-mistake")).to_be_visible()
    expect(way.page.locator("#app_password")).to_have_attribute("aria-invalid", "true")
    assert apple.requests(account.apple_id) == []
    assert way.person.crococlick.connections() == []

    way.writes("app_password", account.app_password.upper().replace("-", " "))
    way.hand.pick(way.page.locator("#access-full"))
    way.does("button", "new.connect")
    way.hears("told.connected")
    [connection] = way.person.crococlick.connections()
    assert (connection["access"], connection["time_zone"]) == ("full", "Europe/Paris")


def _set_up(way: Somebody) -> None:
    calendar = next(c for c in way.person.crococlick.connections()[0]["calendars"] if c["writable"])
    way.chooses("linked_calendar_id", calendar["name"])
    way.hand.pick(way.page.locator("#when_stale-warn"))
    way.does("button", "setup.preview.button")
    way.sees("heading", "setup.preview.heading")
    assert way.person.crococlick.connections()[0]["setup"]["linked_calendar_id"] is None
    way.does("button", "setup.save")

    way.hears("told.saved")
    [connection] = way.person.crococlick.connections()
    assert connection["setup"]["linked_calendar_id"] == calendar["id"]
    assert calendar["id"] in {c["id"] for c in connection["setup"]["conflict_calendars"]}
    assert connection["setup"]["when_stale"] == "warn"


def _sync(way: Somebody) -> None:
    assert wait_until(lambda: way.person.crococlick.connections()[0]["sync"]["state"] == "fresh", seconds=PATIENCE)
    way.does("button", "connection.sync")

    way.hears("told.sync_requested")
    way.page.goto(way.page.url)
    way.sees("heading", "state.fresh.says")


def _look_ahead(way: Somebody) -> None:
    tomorrow = datetime.now(PARIS).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert way.person.crococlick.book(tomorrow, tomorrow + timedelta(hours=1), "Coupe, Camille").status_code == 201
    way.page.goto(way.page.url)
    day = way.page.locator("#day-1")
    row = day.get_by_role("row").filter(has_text="Coupe, Camille")

    expect(row).to_be_hidden()
    way.hand.press(day.locator("summary"))
    expect(row).to_be_visible()
    expect(row).to_contain_text(str(way.words("ahead.blocks")))
    expect(way.page.locator(".written")).to_contain_text("Coupe, Camille")
    way.demand_good_page()


def _lose_the_password(way: Somebody, apple: SimulatorAdmin) -> None:
    """As after a change of the Apple password. The worker takes minutes to be sure of it, so its word is said here."""
    account = way.person.apple
    apple.revoke_app_password(account.apple_id)
    apple.new_app_password(account.apple_id, NEW_PASSWORD)
    with ThreadPoolExecutor() as elsewhere:  # Playwright has a loop of its own here
        elsewhere.submit(asyncio.run, _tell_rejected(way)).result()

    assert wait_until(lambda: way.person.crococlick.connections()[0]["state"] == "needs_reconnect", seconds=PATIENCE)
    if not way.script:  # with scripts the page sees it by itself
        way.page.goto(way.page.url)
    way.sees("heading", "reconnect.needed")


async def _tell_rejected(way: Somebody) -> None:
    now = datetime.now(UTC)
    crococlick = way.person.crococlick
    event = CredentialsRejected(
        account_id=crococlick.account,
        user_id=crococlick.user,
        connection_id=crococlick.connections()[0]["id"],
        epoch=1,
        revision=FAR_AHEAD,
        since=int(now.timestamp()),
    )
    record = encode(event, source="tests", time=now)
    async with AIOKafkaProducer(bootstrap_servers=way.stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"]) as producer:
        await producer.send_and_wait(record.topic, record.value, key=record.key.encode(), headers=list(record.headers))


def _reconnect(way: Somebody) -> None:
    way.writes("app_password", NEW_PASSWORD)
    way.does("button", "connection.reconnect")

    way.hears("told.reconnected")
    assert wait_until(lambda: way.person.crococlick.connections()[0]["sync"]["state"] == "fresh", seconds=PATIENCE)


def _disconnect(way: Somebody) -> None:
    way.does("link", "connection.disconnect")
    way.sees("heading", "disconnect.heading")
    way.does("button", "disconnect.button")

    way.hears("told.disconnected")
    way.sees("heading", "list.empty")
    assert way.person.crococlick.connections() == []


def _sign_out(way: Somebody) -> None:
    way.does("button", "frame.sign_out")

    way.sees("heading", "failure.goodbye.heading")
    way.page.goto(f"{way.stack.env['CONNECTOR_URL']}/calendars/settings/connections")
    way.sees("heading", "failure.stranger.heading")
