"""One Apple account: its calendars, what changed in them, and objects in and out."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from icloud import discovery, paths
from icloud.errors import (
    CalendarGone,
    CalendarNotEnabled,
    CredentialsRejected,
    NotUnderstood,
    TokenDead,
)
from icloud.exchange import Exchange
from icloud.gate import Target
from icloud.home_listing import HomeListing
from icloud.inflate import BodyTooLarge
from icloud.judgement import DoubtfulCalendar, DoubtfulToken, Host, Misdirected, Step
from icloud.multiget import Multiget
from icloud.transport import Answer, Budget, Unreachable
from icloud.values import Absence, CalendarObject, Changes, Home, ListedCalendar, Missing
from icloud.wire import answers, requests
from icloud.wire.answers import TokenRefused, TooManyMatches
from icloud.wire.requests import Request

_MOST_PAGES = 1_000
_MOST_WINDOWS = 256  # 400 days in windows of three days; a server that refuses even these is not asked for ever
_SMALLEST_WINDOW = timedelta(hours=1)
# What an account sees whose partition has moved.
_MOVED = (Unreachable, Misdirected, CredentialsRejected, CalendarNotEnabled)


class Account:
    """Calls on behalf of one credential; one at a time is what Apple likes.

    Every call but `discover` finds the home first if it is not known, and once more through the entry host if the known
    one is not reachable, refuses the credential or no longer has the home. So `home` may differ after any call.
    Every call may raise CredentialsRejected, TryLater, Forbidden and NotUnderstood.
    """

    def __init__(self, exchange: Exchange, entry: Target, budget: Budget, home: Home | None) -> None:
        self.home = home
        self._exchange = exchange
        self._entry = entry
        self._budget = budget
        self._home_is_new = False
        self._multiget = Multiget(budget)

    async def discover(self) -> Home:
        """Find and keep the home. Raise CalendarNotEnabled where the account has none."""
        self.home = await discovery.discovered(self._exchange, self._entry)
        self._home_is_new = True
        return self.home

    async def calendars(self) -> list[ListedCalendar]:
        """List all calendars of the home, their ctags and tokens: one request.

        Raise CalendarNotEnabled where the home does not exist.
        """
        return (await self.home_listing()).calendars()

    async def home_listing(self) -> HomeListing:
        """Ask as `calendars` does, and leave it to the caller whether the answer is read."""
        answer = await self._ask(None, requests.calendars(), Step.CALENDARS)
        return HomeListing(answer.body, home=_collection(answer), base=answer.target.path)

    async def changes(self, path: str, token: str) -> Changes:
        """What happened in a calendar since `token`, all pages of it. Raise TokenDead or CalendarGone."""
        changed: dict[str, str] = {}
        removed: frozenset[str] = frozenset()
        for _ in range(_MOST_PAGES):
            page = await self._page(path, token)
            changed = {href: etag for href, etag in changed.items() if href not in page.removed} | page.changed
            removed = (removed | page.removed).difference(page.changed)
            if not page.cut:
                return Changes(changed, removed, page.token)
            if page.token == token:
                raise NotUnderstood("no_progress")
            token = page.token
        raise NotUnderstood("too_many_pages")

    async def listing(self, path: str, start: datetime, end: datetime) -> dict[str, str]:
        """ETags by href of all objects with an instance in [start, end); both aware. Raise CalendarGone.

        A window that is too much for one answer is asked in halves.
        """
        found: dict[str, str] = {}
        windows = [(start, end)]
        for _ in range(_MOST_WINDOWS):
            if not windows:
                return found
            start, end = windows.pop()
            try:
                found |= await self._window(path, start, end)
            except (TooManyMatches, BodyTooLarge):
                if end - start <= _SMALLEST_WINDOW:
                    raise
                middle = start + (end - start) / 2
                windows += [(middle, end), (start, middle)]
        raise TooManyMatches

    async def contents(self, path: str) -> dict[str, str]:
        """ETags by href of all objects whatever their time, asked in another way than `listing`. Raise CalendarGone.

        What is too much for one answer is asked as changes since the beginning, page by page.
        """
        try:
            answer = await self._ask(path, requests.contents(), Step.LISTING)
            found = answers.contents(answer.body, path=path, base=answer.target.path)
        except (TooManyMatches, BodyTooLarge):
            return await self._since_the_beginning(path)
        if found is None:
            raise CalendarGone
        return found

    async def objects(self, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
        """Fetch objects of one calendar, each href once, in order; batch by batch, so that memory stays bounded.

        Batches grow and shrink with how the answers come (docs/adr/0016). What was asked and did not come is yielded
        as Missing. Raise CalendarGone.
        """

        async def ask(request: Request) -> Answer:
            return await self._ask(path, request, Step.OBJECTS)

        async for found in self._multiget(ask, hrefs):
            yield found

    async def get(self, href: str) -> CalendarObject | Missing:
        """Fetch one object."""
        if not paths.is_askable(href):
            return Missing(href, Absence.REFUSED)
        answer = await self._ask(href, requests.get(), Step.GET)
        if answer.status != HTTPStatus.OK and paths.fully_encoded(href) != paths.encoded(href):
            answer = await self._ask(href, requests.get(), Step.GET, encoded=paths.fully_encoded(href))
        if answer.status != HTTPStatus.OK:
            return Missing(href, Absence.GONE)
        if len(answer.body) > self._budget.object_bytes:
            return Missing(href, Absence.TOO_LARGE)
        text = answer.body.decode(errors="replace")
        if "BEGIN:VCALENDAR" not in text[:1_024].upper():
            raise NotUnderstood("not_a_calendar")
        return CalendarObject(href, _etag(answer) or "", text)

    async def put(self, href: str, text: str, *, if_match: str | None) -> str | None:
        """Create an object (`if_match` None: never over an existing one) or replace the version with that ETag.

        Return the new ETag if the server told it. Raise PreconditionFailed or CalendarGone. After TryLater, and
        NotUnderstood but for `object_refused`, it may have happened: read back before the next attempt.
        """
        request = requests.put(text, if_match=if_match)
        answer = await self._write(href, request, Step.PUT)
        return _etag(answer)

    async def delete(self, href: str, *, if_match: str | None) -> None:
        """Delete the version with that ETag (None: any). Gone already is done. Raise PreconditionFailed."""
        await self._write(href, requests.delete(if_match=if_match), Step.DELETE)

    async def _since_the_beginning(self, path: str) -> dict[str, str]:
        try:
            return dict((await self.changes(path, "")).changed)
        except TokenDead:
            raise TooManyMatches from None

    async def _page(self, path: str, token: str) -> answers.Page:
        try:
            answer = await self._ask(path, requests.changes(token), Step.CHANGES)
            return answers.changes(answer.body, path=path, base=answer.target.path)
        except (DoubtfulToken, TokenRefused):
            await self._look_at(path)
        except (TooManyMatches, BodyTooLarge):
            # No smaller question exists here; a listing can be asked window by window.
            raise TokenDead from None
        raise TokenDead

    async def _window(self, path: str, start: datetime, end: datetime) -> dict[str, str]:
        answer = await self._ask(path, requests.listing(start, end), Step.LISTING)
        return answers.listing(answer.body, path=path, base=answer.target.path)

    async def _write(self, href: str, request: Request, step: Step) -> Answer:
        try:
            answer = await self._ask(href, request, step)
        except DoubtfulCalendar:
            await self._look_at(href.rpartition("/")[0] + "/")
            # The calendar is there, so it is the object: iCloud answers 404 to an event without an end.
            raise NotUnderstood("object_refused") from None
        if answer.status == HTTPStatus.OK and b"<html" in answer.body[:1_024].lower():
            # Somebody in front of the server wants to sign in, or asks for patience: nothing says that it was done.
            raise NotUnderstood("web_page")
        return answer

    async def _look_at(self, path: str) -> None:
        """Raise CalendarGone or Forbidden unless the calendar exists."""
        answer = await self._ask(path, requests.existence(), Step.EXISTENCE)
        if not answers.exists(answer.body, base=answer.target.path):
            raise CalendarGone

    async def _ask(self, path: str | None, request: Request, step: Step, *, encoded: str | None = None) -> Answer:
        """Ask at the home, `path` None being the home itself; once more after finding a home that has moved."""
        home = self.home or await self.discover()
        try:
            return await self._at(home, encoded or paths.encoded(path or home.path), request, step)
        except _MOVED:
            if self._home_is_new:
                raise
        home = await self.discover()
        return await self._at(home, encoded or paths.encoded(path or home.path), request, step)

    async def _at(self, home: Home, path: str, request: Request, step: Step) -> Answer:
        try:
            target = self._exchange.admitted(home.origin + path)
        except NotUnderstood:
            # A stored home from before the trusted hosts were changed.
            raise Unreachable("url_refused") from None
        answer = await self._exchange.ask(target, request, step=step, host=Host.HOME)
        self._home_is_new = False
        if answer.moved and answer.target.path == target.path:
            self.home = replace(home, origin=answer.target.origin)
        return answer


def _etag(answer: Answer) -> str | None:
    return answers.usable_etag(answer.headers.get("ETag", "").strip()) or None


def _collection(answer: Answer) -> str:
    return paths.of_collection(paths.decoded(answer.target.path))
