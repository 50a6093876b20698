"""The CalDAV server without its sockets: who is let in, what goes wrong, who answers."""

import base64
import binascii
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import unquote

from icloud_simulator import mishaps
from icloud_simulator.accounts import opens
from icloud_simulator.answer_propfind import answer_propfind
from icloud_simulator.answer_report import answer_report
from icloud_simulator.answer_write import (
    answer_delete,
    answer_get,
    answer_mkcalendar,
    answer_proppatch,
    answer_put,
)
from icloud_simulator.exchange import Answer, Delivery, Request, Visit, empty, page
from icloud_simulator.facts import OldHost
from icloud_simulator.faults import Faults
from icloud_simulator.places import Place, place
from icloud_simulator.request_log import Entry, RequestLog
from icloud_simulator.state import Account
from icloud_simulator.world import World
from icloud_simulator.xml_read import BadRequest

_ALLOW = "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, REPORT, MKCALENDAR, MKCOL, MOVE"
_MAKING = {"MKCALENDAR", "MKCOL"}
_DAV = (
    "1, access-control, calendar-access, calendar-schedule, calendar-auto-schedule, calendarserver-sharing, "
    "calendarserver-subscribed, calendarserver-home-sync, extended-mkcol, calendarserver-recurrence-split"
)


class _Answers(Protocol):
    def __call__(self, visit: Visit, place: Place, /) -> Answer: ...


_METHODS: dict[str, _Answers] = {
    "PROPFIND": answer_propfind,
    "REPORT": answer_report,
    "GET": answer_get,
    "HEAD": answer_get,
    "PUT": answer_put,
    "DELETE": answer_delete,
    "MKCALENDAR": answer_mkcalendar,
    "MKCOL": answer_mkcalendar,
    "PROPPATCH": answer_proppatch,
    "MOVE": lambda _visit, _place: empty(412),
    "OPTIONS": lambda _visit, _place: empty(200, ("allow", _ALLOW), ("dav", _DAV)),
}


@dataclass(slots=True)
class CalDavServer:
    """Answers requests, faults included, and logs them."""

    world: World
    faults: Faults = field(init=False)
    log: RequestLog = field(default_factory=RequestLog)

    def __post_init__(self) -> None:
        self.faults = Faults(self.world.state)

    def answer(self, request: Request) -> tuple[Answer, str | None]:
        """Answer one request, and tell whose it was (the Apple ID, if there is such an account)."""
        account, password = self._caller(request)
        faults = self.faults.of(account.dsid if account is not None else "")
        entry = account is None or request.host != _host(self.world.partition_base(account))
        mishap = mishaps.before(faults, request, entry=entry, now=self.world.clock.now())
        answer = mishap or self._let_in(request, account, password, entry=entry)
        if faults.knobs.latency_seconds:
            answer = replace(answer, delivery=replace(answer.delivery, delay=faults.knobs.latency_seconds))
        return answer, None if account is None else account.apple_id

    def sent(self, request: Request, account: str | None, answer: Answer, bytes_out: int) -> None:
        """Log a request and what it got."""
        self.log.add(
            Entry(
                number=self.log.number + 1,
                at=self.world.clock.now(),
                account=account,
                host=request.host,
                method=request.method,
                kind=_report_kind(request),
                path=unquote(request.path),
                status=0 if answer.delivery.reset else answer.status,
                bytes_in=len(request.body),
                bytes_out=0 if answer.delivery.reset else bytes_out,
                fault=answer.fault,
            )
        )

    def _let_in(self, request: Request, account: Account | None, password: str, *, entry: bool) -> Answer:
        if request.path == "/.well-known/caldav":
            return empty(301, ("location", "/"))
        if account is None:
            return self._unauthorized(None)
        shut_out = self._shut_out(request, account, password)
        if shut_out is not None:
            return shut_out
        visit = Visit(self.world, account, request, self.faults.of(account.dsid))
        redirect = visit.faults.knobs.redirect
        if entry and redirect is not None:
            return empty(redirect, ("location", f"{visit.base}{request.path}"))
        return mishaps.after(visit, self._routed(visit), entry=entry)

    def _shut_out(self, request: Request, account: Account, password: str) -> Answer | None:
        moved = account.former_hosts.get(request.host, OldHost.SERVES)
        if moved is not OldHost.SERVES:
            return self._moved(account, moved)
        knobs = self.faults.of(account.dsid).knobs
        shut = not account.calendar_enabled and knobs.not_enabled_as == "unauthorized"
        if shut or not opens(account, password):
            return self._unauthorized(account)
        return empty(403) if account.locked else None

    def _routed(self, visit: Visit) -> Answer:
        method, path, body = visit.request.method, visit.request.path, visit.request.body
        # What is made need not end with a slash yet; what is there must.
        where = place(f"{path.rstrip('/')}/" if method in _MAKING else path)
        handler = _METHODS.get(method)
        if handler is None:
            return empty(405, ("allow", _ALLOW))
        if where is None:
            return empty(404)
        if where.dsid not in {"", visit.account.dsid}:
            return empty(403)
        if visit.faults.knobs.leading_space_refused and method != "PUT" and body[:1].isspace():
            return page(400, "Bad Request")
        try:
            return handler(visit, where)
        except BadRequest:
            return page(400, "Bad Request")

    def _moved(self, account: Account, moved: OldHost) -> Answer:
        if moved is OldHost.UNAUTHORIZED:
            return self._unauthorized(account)
        if moved is OldHost.MISDIRECTED:
            return empty(421)
        return Answer(503, delivery=Delivery(reset=True), fault="moved")

    def _unauthorized(self, account: Account | None) -> Answer:
        dsid = "" if account is None else account.dsid
        partition = 42 if account is None else account.partition
        return mishaps.unauthorized(self.faults.of(dsid).knobs, partition)

    def _caller(self, request: Request) -> tuple[Account | None, str]:
        """Return the account that the Basic header names, whether or not the password is right, and the password."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None, ""
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None, ""
        return self.world.state.login(user), password


def _host(base: str) -> str:
    return base.partition("://")[2]


def _report_kind(request: Request) -> str:
    if request.method != "REPORT":
        return ""
    known = (b"sync-collection", b"calendar-multiget", b"calendar-query")
    return next((name.decode() for name in known if name in request.body[:400]), "other-report")
