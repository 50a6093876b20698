"""The question that is asked all day, answered by the shortest way."""

import re
from datetime import datetime
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from availability.application.timeline import AskLater
from availability.domain.intervals import Window
from availability.domain.users import User
from availability.inbound.http.busy import told_busy
from availability.inbound.http.callers import READ
from availability.inbound.http.moments import window
from availability.inbound.http.problems import refuse
from availability.inbound.http.stories import Stories
from availability.inbound.http.told import JSON
from runtime.auth import KeysUnavailable, TokenChecker, Unauthenticated
from runtime.http import Problem

_PATH: Final = re.compile(r"/v1/users/([\w.:@|+-]{1,128})/busy", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_ASKED: Final = frozenset({"start", "end"})
_ESCAPED: Final = (("%3A", ":"), ("%2B", "+"), ("%3a", ":"), ("%2b", "+"))
"""What of a moment is escaped in a query. To read any escape takes as long as all the rest of the question."""
_JSON: Final = (b"content-type", JSON.encode())


class _Question(NamedTuple):
    user: User
    window: Window


class QuickBusy:
    """ASGI middleware: answers plain questions for busy time, and leaves everything else to the application behind it.

    What is refused is refused there, and what is documented is documented there; here is only the way without
    FastAPI's, which takes longer than the answer itself. Both answer alike.
    """

    def __init__(self, app: ASGIApp, stories: Stories, checker: TokenChecker, route: BaseRoute) -> None:
        self._app = app
        self._stories = stories
        self._checker = checker
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        question = await self._question(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if question is None:
            await self._app(scope, receive, send)
            return
        # By it the request is counted and logged.
        scope["route"] = self._route
        try:
            found = await self._stories.answers.busy(*question)
        except AskLater as error:
            refusal = await refuse(Request(scope), error)
            await refusal(scope, receive, send)
            return
        body = told_busy(found).encode()
        heads = [(b"content-length", b"%d" % len(body)), _JSON]
        await send({"type": "http.response.start", "status": 200, "headers": heads})
        await send({"type": "http.response.body", "body": body})

    async def _question(self, scope: Scope) -> _Question | None:
        """None where there is anything to look at twice."""
        path = _PATH.fullmatch(scope["path"])
        asked = _window(scope["query_string"]) if path else None
        if path is None or asked is None:
            return None
        try:
            caller = await self._checker.check(_authorization(scope))
        except (Unauthenticated, KeysUnavailable):
            return None
        if READ not in caller.scopes or not caller.may_act_for(path[1]):
            return None
        return _Question(User(caller.account_id, path[1]), asked)


def _window(query: bytes) -> Window | None:
    parts = query.decode("latin-1").split("&")
    said = {name: value for name, _, value in [part.partition("=") for part in parts]}
    if len(parts) != len(_ASKED) or said.keys() != _ASKED:
        return None
    try:
        return window(_moment(said["start"]), _moment(said["end"]))
    except (ValueError, Problem):
        return None


def _moment(said: str) -> datetime:
    if "+" in said:
        raise ValueError("a plus is a space in a query")
    for escaped, meant in _ESCAPED:
        said = said.replace(escaped, meant)
    if not _MOMENT.fullmatch(said):
        raise ValueError("not as moments are usually written")
    return datetime.fromisoformat(said)


def _authorization(scope: Scope) -> str | None:
    """The first header of that name, as Starlette takes it."""
    said: bytes | None = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    return None if said is None else said.decode("latin-1")
