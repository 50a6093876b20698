"""From nothing to a connection: the list, the choice, the form."""

from typing import Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from connector.domain.connection import Access, Wish
from connector.domain.timezones import is_time_zone
from connector.inbound.http.problems import refusals_as_problems
from connector.inbound.pages import zones
from connector.inbound.pages.connection_shown import connection_shown
from connector.inbound.pages.errors import Mistake, malformed, malformed_words, refused, told_when
from connector.inbound.pages.moments import Moments
from connector.inbound.pages.typed import Typed, apple_id_typed, is_lost, mistakes
from connector.inbound.pages.visit import Visit
from icloud import AppleCredential
from runtime.http import Problem
from runtime.logs import get_logger

_UTC: Final = ZoneInfo("UTC")
_log = get_logger(__name__)


async def listed(visit: Visit) -> Response:
    """The user's connections: none or one."""
    with refusals_as_problems():
        found = await visit.stories.list(visit.session.owner)
    several = [connection_shown(one, visit.moments(one), visit.stories.stale_after) for one in found]
    return visit.page("list.html", connections=several)


async def choice(visit: Visit) -> Response:
    """What can be connected."""
    return visit.page("new.html")


async def form(visit: Visit) -> Response:
    """The form; whoever has a connection is shown that."""
    with refusals_as_problems():
        found = await visit.stories.list(visit.session.owner)
    if found:
        return visit.go_to(f"/connections/{found[0].id}", told="already_connected")
    guess = zones.guessed(visit.request.headers.get("accept-language", ""))
    return _form(visit, Typed(time_zone=guess, guessing=True))


async def connect(visit: Visit) -> Response:
    """Connect. The same form sent twice makes one connection, and the second sending shows it."""
    typed = _typed(visit)
    wrong = mistakes(visit, visit.words)
    zone = typed.time_zone or ""
    if not is_time_zone(zone):
        wrong.append(malformed("time_zone", zones.typed(zone), visit.words))
    if wrong:
        return _form(visit, typed, wrong, status=422)
    owner, credential = visit.session.owner, AppleCredential.typed(visit.typed("apple_id"), visit.typed("app_password"))
    try:
        with refusals_as_problems():
            connection = await visit.stories.connect(owner, credential, Wish(Access(typed.access), zone))
    except Problem as problem:
        if problem.code == "already_connected":
            return await form(visit)
        moments = Moments(visit.words, ZoneInfo(zone), visit.stories.clock())
        return told_when(problem, _form(visit, typed, [refused(problem, moments)], status=problem.status))
    _log.info("connection_made", connection_id=connection.id, account_id=owner.account_id)
    return visit.go_to(f"/connections/{connection.id}/setup", told="connected")


def _typed(visit: Visit) -> Typed:
    access = visit.typed("access")
    return Typed(
        apple_id_typed(visit),
        access if access in set(Access) else Access.READ_ONLY,
        zones.meant(visit.typed("time_zone"), visit.typed("time_zone_other")) or None,
        lost=is_lost(visit),
    )


def _form(visit: Visit, typed: Typed, mistakes: list[Mistake] | None = None, *, status: int = 200) -> Response:
    return visit.page(
        "connect.html",
        status,
        typed=typed,
        errors=mistakes or [],
        zone=zones.zone_field(typed.time_zone, visit.words, guessing=typed.guessing),
        malformed=malformed_words(visit.words),
    )
