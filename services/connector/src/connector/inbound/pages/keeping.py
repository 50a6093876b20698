"""A connection that is there: look at it, ask for a look at iCloud, bring it back, end it."""

from collections.abc import Sequence

from starlette.responses import Response

from connector.domain.connection import Connection
from connector.inbound.http.bodies import rfc3339
from connector.inbound.http.problems import refusals_as_problems
from connector.inbound.pages.calendars_shown import calendars_shown
from connector.inbound.pages.connection_shown import connection_shown
from connector.inbound.pages.errors import Mistake, malformed_words, refused, told_when
from connector.inbound.pages.looking import look_ahead
from connector.inbound.pages.typed import Typed, apple_id_typed, is_lost, mistakes
from connector.inbound.pages.visit import Visit
from icloud.credentials import CredentialMalformed
from runtime.http import Problem
from runtime.logs import get_logger

_log = get_logger(__name__)


async def look(visit: Visit) -> Response:
    """Everything that is known of the connection."""
    connection = await visit.connection()
    moments = visit.moments(connection)
    return visit.page(
        "connection.html",
        shown=connection_shown(connection, moments, visit.stories.stale_after),
        calendars=calendars_shown(connection, moments),
        malformed=malformed_words(visit.words),
        look=await look_ahead(visit, connection, moments),
    )


async def sync(visit: Visit) -> Response:
    """Ask for a look at iCloud, perhaps with a word on held removals."""
    connection = await visit.connection()
    confirm, keep = (tuple(visit.fields.get(name, ())) for name in ("confirm", "keep"))
    held = {one.calendar_id: one.since for one in connection.held}
    if not {*confirm, *keep} <= held.keys():
        return visit.go_to(f"/connections/{connection.id}", told="settled")
    seen = {one: held[one] for one in confirm}
    if any(rfc3339(since) != visit.typed("held_since") for since in seen.values()):
        return visit.go_to(f"/connections/{connection.id}", told="held_otherwise")
    told = "confirmed" if confirm else "kept" if keep else "sync_requested"
    try:
        with refusals_as_problems():
            await visit.stories.request_sync(visit.session.owner, connection.id, confirm=confirm, keep=keep, seen=seen)
    except Problem as problem:
        if problem.code not in {"held_otherwise", "too_soon"}:
            raise
        told = problem.code
    return visit.go_to(f"/connections/{connection.id}", told=told)


async def reconnect_form(visit: Visit) -> Response:
    """One field, and how to get what belongs into it."""
    return _reconnect_form(visit, await visit.connection())


async def reconnect(visit: Visit) -> Response:
    """Bring the connection back, or give it another password."""
    connection = await visit.connection()
    apple_id, owner = visit.typed("apple_id"), visit.session.owner
    try:
        with refusals_as_problems():
            await visit.stories.reconnect(owner, connection.id, visit.typed("app_password"), apple_id or None)
    except CredentialMalformed:
        return _reconnect_form(visit, connection, mistakes(visit, visit.words, apple_id=False), status=422)
    except Problem as problem:
        wrong = [refused(problem, visit.moments(connection))]
        # Whoever changed their Apple ID has no password that the old one opens.
        ask = problem.code == "credentials_rejected"
        return told_when(problem, _reconnect_form(visit, connection, wrong, ask=ask, status=problem.status))
    _log.info("reconnected", connection_id=connection.id, account_id=owner.account_id)
    return visit.go_to(f"/connections/{connection.id}", told="reconnected")


async def disconnect_form(visit: Visit) -> Response:
    """What will be erased, before it is."""
    connection = await visit.connection()
    shown = connection_shown(connection, visit.moments(connection), visit.stories.stale_after)
    return visit.page("disconnect.html", shown=shown)


async def disconnect(visit: Visit) -> Response:
    """End it."""
    connection = await visit.connection()
    owner = visit.session.owner
    with refusals_as_problems():
        outcome = await visit.stories.disconnect(owner, connection.id)
    _log.info("disconnected", connection_id=connection.id, account_id=owner.account_id, outcome=outcome.value)
    return visit.go_to("/connections", told="disconnected")


def _reconnect_form(
    visit: Visit, connection: Connection, wrong: Sequence[Mistake] = (), *, ask: bool = False, status: int = 200
) -> Response:
    """`ask`: for the Apple ID, too, although we have one."""
    needed = connection.apple.remembered is None or "apple_id" in {one.field for one in wrong}
    return visit.page(
        "reconnect.html",
        status,
        shown=connection_shown(connection, visit.moments(connection), visit.stories.stale_after),
        typed=Typed(apple_id_typed(visit), lost=is_lost(visit)),
        ask_apple_id=needed or ask or bool(visit.typed("apple_id")),
        known="" if needed else connection.apple.hint,
        errors=wrong,
        malformed=malformed_words(visit.words),
    )
