"""The pages on fakes: every state of a connection at will, at one moment that never passes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import httpx

from connector.application.look_ahead import LookAhead, TrySetup
from connector.domain.calendars import AllDayRule, Calendar, ConflictCalendar, Setup
from connector.domain.connection import Access, AppleAccount, Connection, Owner, State, Terms, Wish, connected
from connector.domain.offers import offer
from connector.domain.reading import (
    CalendarAge,
    CalendarState,
    HeldRemovals,
    Progress,
    Quarantined,
    Reading,
    UnreadableEvent,
)
from connector.inbound.http.application import application
from connector.inbound.pages import PREFIX, Foresight, Sessions, pages
from connector.inbound.pages.session import COOKIE, form_token_of
from connector_availability import FakeAvailability
from connector_examples import APPLE_ID, CREDENTIAL, FINGERPRINT, MARIE, NOW, PRINCIPAL
from connector_fakes import FakeApple, FakeAppleIds, FakeConnections, FakeWorkers, Kept
from connector_http import stories_of
from runtime.auth import Caller, Unauthenticated
from runtime.listening import Listener

SIGN_IN: Final = "https://platform.test/sign-in"
HOST: Final = "connector.test"
LIST: Final = "/calendars/settings/connections"
NEW: Final = f"{LIST}/new/icloud"
ONE: Final = f"{LIST}/c-1"

_HOME = Calendar("home", "Privé", "#1BADF8", writable=True, supported=True, reason=None, shared=False)
_WORK = replace(_HOME, id="work", name="Salon", color="#63DA38FF")
_CLUB = replace(_HOME, id="club", name="Équipe de Paul", color="#FF9500", writable=False, shared=True)
_HOLIDAYS = replace(
    _HOME, id="holidays", name="Jours fériés", color="#CC73E1", writable=False, supported=False, reason="subscribed"
)
_REMINDERS = replace(_HOME, id="reminders", name="Rappels", color=None, supported=False, reason="reminders")
CALENDARS: Final = (_HOME, _WORK, _CLUB, _HOLIDAYS, _REMINDERS)
_SETUP = Setup((ConflictCalendar("home", AllDayRule.ALWAYS_BLOCK), ConflictCalendar("work")), "work", alarm_minutes=30)
_READ = Reading(as_of=NOW - timedelta(minutes=2), looked_at=NOW - timedelta(minutes=2))


def connection(**changes: object) -> Connection:
    """Marie's, chosen and fresh, with changes of its fields."""
    terms = Terms(Access.FULL, "Europe/Paris", CALENDARS, _SETUP)
    made = connected(
        "c-1",
        MARIE,
        apple=AppleAccount(FINGERPRINT, "m…@icloud.com", FakeAppleIds().seal(APPLE_ID, "c-1")),
        terms=terms,
        at=NOW - timedelta(days=40),
    )
    known = frozenset(calendar.id for calendar in CALENDARS)
    return replace(made, **({"reading": _READ, "chosen_from": known} | changes))  # type: ignore[arg-type]  # fields by name


def importing() -> Connection:
    """Nothing chosen yet, the first import under way."""
    terms = Wish(Access.FULL, "Europe/Paris").with_defaults(CALENDARS)
    return connection(terms=terms, chosen_from=None, reading=Reading(progress=Progress(240, 1_820)))


def needing_reconnect() -> Connection:
    """Apple refuses the password since last night."""
    reading = replace(
        _READ,
        as_of=NOW - timedelta(hours=11),
        looked_at=NOW - timedelta(hours=11),
        refused_since=NOW - timedelta(hours=10),
    )
    return connection(state=State.NEEDS_RECONNECT, reading=reading)


def troubled() -> Connection:
    """Removals are held, events cannot be read, a calendar is behind, another is new."""
    in_three_days = NOW + timedelta(days=3)
    reading = replace(
        _READ,
        as_of=NOW - timedelta(hours=3),
        behind=(
            CalendarAge("work", NOW - timedelta(hours=3), CalendarState.FAILED),
            CalendarAge("home", NOW - timedelta(hours=2), CalendarState.HELD),
        ),
        held=(HeldRemovals("home", NOW - timedelta(hours=2), known=214, missing=198, doubt="shrunken"),),
        quarantined=(
            Quarantined(
                "work",
                23,
                (
                    UnreadableEvent("e-1", "start_missing"),
                    UnreadableEvent("e-2", "too_many_occurrences", in_three_days, in_three_days + timedelta(hours=1)),
                ),
            ),
        ),
    )
    known = frozenset(calendar.id for calendar in CALENDARS) - {"club"}
    return connection(reading=reading, chosen_from=known)


def stale() -> Connection:
    """Not read for hours."""
    return connection(reading=Reading(as_of=NOW - timedelta(hours=5), looked_at=NOW - timedelta(hours=5)))


def read_only() -> Connection:
    """With the promise never to write."""
    setup = replace(_SETUP, linked_calendar_id=None)
    return connection(terms=Terms(Access.READ_ONLY, "Europe/Paris", CALENDARS, setup))


def many() -> Connection:
    """Forty calendars, more than anybody has, half of them new."""
    more = tuple(
        replace(_HOME, id=f"{number:024x}", name=f"Calendrier de mon équipe {number}", color="#CC73E1")
        for number in range(40 - len(CALENDARS))
    )
    everything = (*CALENDARS, *more)
    terms = replace(Wish(Access.FULL, "Europe/Paris").with_defaults(everything), setup=_SETUP)
    return connection(terms=terms)


@dataclass
class Pages:
    """The application with what stands behind it."""

    store: FakeConnections = field(default_factory=FakeConnections)
    apple: FakeApple = field(default_factory=lambda: FakeApple({CREDENTIAL: (PRINCIPAL, CALENDARS)}))
    workers: FakeWorkers = field(default_factory=FakeWorkers)
    availability: FakeAvailability | None = field(default_factory=FakeAvailability)

    def __post_init__(self) -> None:
        stories = stories_of(self.store, self.apple, self.workers)
        self.app = application(stories, _nobody)
        sessions = Sessions(caller_of_token, "calendar:manage", SIGN_IN)
        known = self.availability
        foresight = None if known is None else Foresight(LookAhead(known), TrySetup(known))
        self.app.mount(PREFIX, pages(stories, sessions, foresight=foresight, sign_in_url=SIGN_IN))

    @property
    def revision(self) -> str:
        """What a form carries that shows Marie's connection as it is."""
        [kept] = self.store.kept.values()
        assert isinstance(kept.entity, Connection)
        return offer(kept.entity.terms)

    def keep(self, one: Connection | None) -> None:
        """Let Marie have this connection, or none."""
        self.store.kept.clear()
        if one is not None:
            self.store.kept[one.id] = Kept(one, [])
            self.store.claims[one.apple.fingerprint] = (one.owner.account_id, {one.id})
            self.store.secrets[one.id] = None  # type: ignore[assignment]  # nobody here opens it


def token_of(owner: Owner, scope: str = "calendar:manage+availability:read") -> str:
    """What the platform's token is in these tests."""
    return f"{owner.account_id}~{owner.user_id}~{scope}"


async def caller_of_token(authorization: str | None) -> Caller:
    """Stands in for runtime.auth.TokenChecker.check, which has tests of its own."""
    account_id, _, rest = (authorization or "").removeprefix("Bearer ").partition("~")
    user_id, _, scope = rest.partition("~")
    if not user_id:
        raise Unauthenticated("made up")
    return Caller(account_id, user_id, frozenset(scope.split("+")), user_id.startswith("service:"))


async def _nobody(_: object) -> Caller:
    raise Unauthenticated("the API has tests of its own")


@dataclass
class Visitor:
    """A browser, as far as it needs no window."""

    http: httpx.AsyncClient
    token: str

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def send(self, path: str, fields: Mapping[str, object] | None = None, **headers: str) -> httpx.Response:
        """Send a form as a page of ours does."""
        ours = {"form_token": form_token_of(self.token)}
        said = {"Sec-Fetch-Site": "same-origin"} | headers
        return await self.http.post(path, data=ours | dict(fields or {}), headers=said)


@asynccontextmanager
async def visitor_of(there: Pages, owner: Owner | None = MARIE) -> AsyncIterator[Visitor]:
    """Somebody signed in, or nobody."""
    token = "" if owner is None else token_of(owner)
    transport = httpx.ASGITransport(there.app, raise_app_exceptions=False)
    cookies = {COOKIE: token} if token else None
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}", cookies=cookies) as http:
        yield Visitor(http, token)


@contextmanager
def served(there: Pages) -> Iterator[str]:
    """The pages for a real browser, from a thread of their own; their origin."""
    listening = threading.Event()
    addresses: list[str] = []
    loops: list[tuple[asyncio.AbstractEventLoop, Listener]] = []

    async def serve() -> None:
        listener = Listener(there.app, "127.0.0.1", 0)
        task = asyncio.create_task(listener.serve())
        await listener.ready()
        addresses.append(f"http://127.0.0.1:{listener.port}")
        loops.append((asyncio.get_running_loop(), listener))
        listening.set()
        await task

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    listening.wait()
    try:
        yield addresses[0]
    finally:
        loop, listener = loops[0]
        asyncio.run_coroutine_threadsafe(listener.drain(), loop).result()
        thread.join()
