"""Kafka and iCloud in memory."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from contracts.events import CompletedSync, Event, ICloudEventImported, ICloudEventRemoved, SyncCompleted
from icloud import (
    Absence,
    CalendarGone,
    CalendarObject,
    Changes,
    Home,
    ListedCalendar,
    Missing,
    PreconditionFailed,
    TokenDead,
    is_askable,
)
from sync_worker.application.claim import Claim
from sync_worker.application.publish_states import Ended, Said
from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import Span, Unreadable

HOME = Home("/1/principal/", "https://p1-caldav.example:443", "/1/calendars/", ("me@icloud.com",))


class FakeEvents:
    """Remembers what was said, in order."""

    def __init__(self) -> None:
        self.said: list[Said] = []

    async def publish(self, said: Sequence[Said]) -> None:
        self.said += said

    def add(self, completed: CompletedSync) -> None:
        self.said.append(SyncCompleted(connections=(completed,)))

    def of(self, kind: type[Event] | type[SyncCompleted]) -> list[Event | SyncCompleted]:
        return [one for one in self.said if isinstance(one, kind)]

    def completed(self) -> list[CompletedSync]:
        return [one for said in self.said if isinstance(said, SyncCompleted) for one in said.connections]

    def topic(self) -> dict[str, ICloudEventImported]:
        """What a reader of the compacted events' topic ends up with."""
        left: dict[str, ICloudEventImported] = {}
        for one in self.said:
            if isinstance(one, ICloudEventImported):
                left[one.event_id] = one
            elif isinstance(one, Ended):
                left.pop(one.last.key, None)
        return left

    def history(self, event_id: str) -> Iterator[tuple[str, int]]:
        """Kind and revision of everything said of one event."""
        for one in self.said:
            if isinstance(one, ICloudEventImported | ICloudEventRemoved) and one.event_id == event_id:
                yield type(one).__name__, one.revision
            elif isinstance(one, Ended) and one.last.key == event_id:
                yield "Ended", one.last.revision


@dataclass
class FakeCalendar:
    """One calendar; every change moves its token on."""

    path: str
    supported: bool = True
    name: str = "Calendar"
    color: str | None = None
    shared: bool = False
    writable: bool = True
    tokenless: bool = False
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    dead_before: int = 0
    lagging: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    """What its queries by time leave out though it is there."""
    lingering: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What its listings go on showing though it is gone."""
    outdated: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What it hands out in the place of the version that it lists."""
    _etags: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def token(self) -> str:
        return f"token-{len(self.log)}"

    def put(self, name: str, text: str) -> str:
        href = f"{self.path}{name}.ics"
        self.texts[href] = (f'"{next(self._etags)}"', text)
        self.log.append(href)
        return href

    def delete(self, name: str) -> None:
        href = f"{self.path}{name}.ics"
        del self.texts[href]
        self.log.append(href)


class FakeListing:
    """A home's answer."""

    def __init__(self, listed: list[ListedCalendar]) -> None:
        self._listed = listed

    @property
    def digest(self) -> str:
        return repr([astuple(one) for one in self._listed])

    def calendars(self) -> list[ListedCalendar]:
        return self._listed


class FakeICloud:
    """An Apple account, opened by whoever asks. `troubles` are raised instead of an answer, by call and path."""

    def __init__(self) -> None:
        self.list: dict[str, FakeCalendar] = {}
        self.hidden: set[str] = set()
        self.troubles: dict[tuple[str, str], Exception] = {}
        self.lost: dict[tuple[str, str], Exception] = {}
        self.etags_untold = False
        self.asked: list[tuple[str, str]] = []
        self.home: Home | None = HOME
        self.fetched_hrefs: list[str] = []
        self.fetched: Callable[[], None] = lambda: None

    def calendar(self, name: str) -> FakeCalendar:
        path = f"{HOME.path}{name}/"
        return self.list.setdefault(path, FakeCalendar(path))

    async def open(self, claim: Claim) -> "FakeICloud":
        del claim
        return self

    async def calendars(self) -> list[ListedCalendar]:
        self._heard("calendars", "")
        return [
            ListedCalendar(
                path=one.path,
                name=one.name,
                color=one.color,
                writable=one.supported and one.writable,
                supported=one.supported,
                reason=None if one.supported else "subscribed",
                shared=one.shared,
                ctag=one.token,
                token=None if one.tokenless else one.token,
            )
            for one in self.list.values()
            if one.path not in self.hidden
        ]

    async def home_listing(self) -> "FakeListing":
        return FakeListing(await self.calendars())

    async def changes(self, path: str, token: str) -> Changes:
        one = self._found("changes", path)
        since = int(token.removeprefix("token-"))
        if since < one.dead_before:
            raise TokenDead
        moved = dict.fromkeys(one.log[since:])
        changed = {href: one.texts[href][0] for href in moved if href in one.texts}
        return Changes(changed, frozenset(moved.keys() - one.texts.keys()), one.token)

    async def listing(self, path: str, start: datetime, end: datetime) -> dict[str, str]:
        one = self._found("listing", path)
        window = Span(int(start.timestamp()), int(end.timestamp()))
        return {
            href: etag
            for href, (etag, text) in (one.lingering | one.texts).items()
            if _inside(text, window) and href not in one.unlisted
        }

    async def contents(self, path: str) -> dict[str, str]:
        one = self._found("contents", path)
        return {href: etag for href, (etag, _) in (one.lingering | one.texts).items()}

    async def objects(self, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
        one = self._found("objects", path)
        self.fetched_hrefs += hrefs
        for href in hrefs:
            found = one.texts.get(href)
            if not is_askable(href):
                yield Missing(href, Absence.REFUSED)
            elif found is None:
                yield Missing(href, Absence.GONE)
            else:
                yield Missing(href) if href in one.lagging else CalendarObject(href, *one.outdated.get(href, found))
        self.fetched()

    async def get(self, href: str) -> CalendarObject | Missing:
        one = self._found("get", _of(href))
        return CalendarObject(href, *one.texts[href]) if href in one.texts else Missing(href, Absence.GONE)

    async def put(self, href: str, text: str, *, if_match: str | None) -> str | None:
        one = self._found("put", _of(href))
        etag = one.texts[href][0] if href in one.texts else None
        if etag != if_match:
            raise PreconditionFailed
        uid = f"\r\nUID:{href.rpartition('/')[2].removesuffix('.ics')}\r\n"
        others = [text for each in self.list.values() for at, (_, text) in each.texts.items() if at != href]
        if any(uid in other for other in others):
            raise PreconditionFailed("uid_conflict")
        one.put(href.rpartition("/")[2].removesuffix(".ics"), text)
        self._afterwards("put", one.path)
        return None if self.etags_untold else one.texts[href][0]

    async def delete(self, href: str, *, if_match: str | None) -> None:
        one = self._found("delete", _of(href))
        if href not in one.texts:
            return
        if if_match is not None and one.texts[href][0] != if_match:
            raise PreconditionFailed
        one.delete(href.rpartition("/")[2].removesuffix(".ics"))
        self._afterwards("delete", one.path)

    def writes(self) -> list[str]:
        """What was asked to be written, by call."""
        return [call for call, _ in self.asked if call in {"put", "delete"}]

    def _afterwards(self, call: str, path: str) -> None:
        """The answer to what was done is lost, once."""
        trouble = self.lost.pop((call, path), None)
        if trouble is not None:
            raise trouble

    def _found(self, call: str, path: str) -> FakeCalendar:
        self._heard(call, path)
        if path not in self.list:
            raise CalendarGone
        return self.list[path]

    def _heard(self, call: str, path: str) -> None:
        self.asked.append((call, path))
        trouble = self.troubles.get((call, path))
        if trouble is not None:
            raise trouble


def _of(href: str) -> str:
    return href.rpartition("/")[0] + "/"


def _inside(text: str, window: Span) -> bool:
    try:
        return bool(read_object(text, horizon=window, zone=ZoneInfo("UTC"), addresses=frozenset()).groups)
    except Unreadable as flaw:
        return flaw.span is None or window.touches(flaw.span.start, flaw.span.end)
