"""Which language somebody reads."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connector.inbound.pages.catalogue import LANGUAGES
from connector.inbound.pages.places import ours
from runtime.http.problems import language_of

COOKIE: Final = "__Host-calsync-language"
_A_YEAR: Final = 365 * 24 * 3600


def language_for(request: Request) -> str:
    """The one that was chosen, else the one that the browser prefers."""
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else language_of(request)


async def choose(request: Request) -> Response:
    """Remember the language, and go back to where its link stood."""
    response = RedirectResponse(ours(request.query_params.get("next", "")), 303)
    language = request.path_params["code"]
    if language in LANGUAGES:
        response.set_cookie(COOKIE, language, max_age=_A_YEAR, secure=True, httponly=True, samesite="lax", path="/")
    return response
