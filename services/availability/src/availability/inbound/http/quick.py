"""The question that is asked all day, answered by the shortest way."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

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
from availability.inbound.http.told import answer
from runtime.auth import KeysUnavailable, TokenChecker, Unauthenticated
from runtime.http import Problem

_PATH: Final = re.compile(r"/v1/users/([\w.:@|+-]{1,128})/busy", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_ASKED: Final = frozenset({"start", "end"})


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
            response = answer(told_busy(await self._stories.answers.busy(*question)))
        except AskLater as error:
            response = await refuse(Request(scope), error)
        await response(scope, receive, send)

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
    said = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    values = dict(said)
    if len(said) != len(_ASKED) or values.keys() != _ASKED:
        return None
    try:
        return window(_moment(values, "start"), _moment(values, "end"))
    except (ValueError, Problem):
        return None


def _moment(values: Mapping[str, str], name: str) -> datetime:
    if not _MOMENT.fullmatch(values[name]):
        raise ValueError(name)
    return datetime.fromisoformat(values[name])


def _authorization(scope: Scope) -> str | None:
    """The first header of that name, as Starlette takes it."""
    said: bytes | None = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    return None if said is None else said.decode("latin-1")
