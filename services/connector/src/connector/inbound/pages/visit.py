"""One look at a page, or one form sent: who, in which language, and what they can ask for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connector.application.look_ahead import LookAhead, TrySetup
from connector.domain.connection import Connection
from connector.inbound.http.problems import refusals_as_problems
from connector.inbound.http.stories import Stories
from connector.inbound.pages.catalogue import Words
from connector.inbound.pages.language import language_for
from connector.inbound.pages.moments import Moments
from connector.inbound.pages.places import looked_at
from connector.inbound.pages.rendering import BASE, Renderer
from connector.inbound.pages.session import Session, Sessions, demand_our_form

TOLD: Final = frozenset(
    {
        "already_connected",
        "confirmed",
        "connected",
        "disconnected",
        "held_otherwise",
        "kept",
        "reconnected",
        "saved",
        "settled",
        "sync_requested",
        "too_soon",
    }
)
"""What a page may be asked to say after a form: keys of the words, never words."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """What can be asked of availability."""

    look_ahead: LookAhead
    try_setup: TrySetup


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in. `form` holds the first value of each field, `fields` all of them."""

    request: Request
    session: Session
    stories: Stories
    renderer: Renderer
    foresight: Foresight | None = None
    fields: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def words(self) -> Words:
        return self.renderer.words[language_for(self.request)]

    @property
    def can_look_ahead(self) -> bool:
        """Whether availability is asked for this visitor."""
        return self.foresight is not None and self.session.asker is not None

    def typed(self, name: str) -> str:
        """The field's value; empty when it was not sent."""
        return next(iter(self.fields.get(name, ())), "")

    def moments(self, connection: Connection) -> Moments:
        """Writes moments as the connection's user lives them."""
        return Moments(self.words, ZoneInfo(connection.terms.time_zone), self.stories.clock())

    async def connection(self) -> Connection:
        """The visitor's own connection that the address names. Raises the problem of there being none."""
        owner = self.session.owner
        with refusals_as_problems():
            return await self.stories.show(self.request.path_params["connection_id"], owner.account_id, owner.user_id)

    def page(self, template: str, status: int = 200, **context: object) -> Response:
        """Show a page."""
        told = self.request.query_params.get("told")
        common = {
            "path": looked_at(self.request),
            "form_token": self.session.form_token,
            "told": told if told in TOLD else None,
        }
        return self.renderer.page(template, self.words, status, **(common | context))

    def go_to(self, path: str, *, told: str | None = None) -> Response:
        """Send the browser to a page, which will say `told`."""
        return RedirectResponse(f"{BASE}{path}" + (f"?told={told}" if told else ""), 303)


Handler = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def shown(handler: Handler) -> Endpoint:
    """A page, for those who are signed in."""

    async def endpoint(request: Request) -> Response:
        return await handler(await _visit(request))

    return endpoint


def sent(handler: Handler) -> Endpoint:
    """A form, of those who are signed in, from a page of ours that this session was shown."""

    async def endpoint(request: Request) -> Response:
        visit = await _visit(request)
        fields = await fields_of(request)
        demand_our_form(request, visit.session, next(iter(fields.get("form_token", ())), ""))
        return await handler(replace(visit, fields=fields))

    return endpoint


async def fields_of(request: Request) -> Mapping[str, list[str]]:
    """The texts of a form. Files are none."""
    fields: dict[str, list[str]] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields.setdefault(name, []).append(value.encode(errors="replace").decode())
    return fields


async def _visit(request: Request) -> Visit:
    state: Any = request.app.state
    sessions: Sessions = state.sessions
    return Visit(request, await sessions.of(request), state.stories, state.renderer, state.foresight)
