"""Addresses of our own pages: what is looked at, where a link may lead back to, and what waits for a sign-in."""

from typing import Final
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from connector.inbound.pages.rendering import BASE

LIST: Final = f"{BASE}/connections"
WANTED: Final = "__Host-calsync-wanted"
_QUERY: Final = ("ahead", "day")
"""What of a query is a place; the rest is said once."""
_PATIENCE: Final = 600
"""Seconds that a sign-in may take."""
_LONGEST: Final = 500
"""Characters; no address of ours has more."""


def looked_at(request: Request) -> str:
    """The page that a request shows, to come back to."""
    query = urlencode([(name, request.query_params[name]) for name in _QUERY if name in request.query_params])
    return f"{request.url.path}?{query}" if query else request.url.path


def ours(wanted: str) -> str:
    """`wanted` if it is an address of ours, else the list: no link to us may be one to anywhere."""
    return wanted if wanted.startswith(f"{BASE}/") and "\\" not in wanted and len(wanted) <= _LONGEST else LIST


def remember(request: Request, response: Response) -> None:
    """Let the browser keep the page that somebody wanted before they had to sign in."""
    wanted = ours(looked_at(request))
    if request.method == "GET" and wanted.startswith(LIST):
        # The sign-in page may be of another site, whose form has to bring it along. It is no secret, and leads home.
        response.set_cookie(
            WANTED, quote(wanted, safe=""), max_age=_PATIENCE, secure=True, httponly=True, samesite="none"
        )


def recalled(request: Request) -> str:
    """Where somebody wanted to go before they signed in; the list, if that is not known."""
    wanted = ours(unquote(request.cookies.get(WANTED, "")))
    return wanted if wanted.startswith(LIST) else LIST


def forget(request: Request, response: Response) -> None:
    """They are there: another sign-in leads to the list."""
    if WANTED in request.cookies:
        response.delete_cookie(WANTED, secure=True, httponly=True, samesite="none")
