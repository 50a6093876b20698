"""Who looks at the pages: the platform's token in a cookie, and forms that only our own pages can send."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from connector.application.look_ahead import Asker
from connector.domain.connection import Owner
from runtime.auth import Caller, Forbidden, Unauthenticated

COOKIE: Final = "__Host-calsync"
_LARGEST_COOKIE: Final = 4_096
"""Name and value together: browsers drop what is larger (RFC 6265bis, 5.6)."""
_READ: Final = "availability:read"
"""The scope by which availability tells people what it knows of them; sessions do without it, too."""
_FORMS: Final = b"calsync: forms of this session"


class FormNotOurs(Exception):
    """The form was not sent by a page of this session: nothing was done."""


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in, what their forms must carry, and who asks availability, where their token may."""

    owner: Owner
    form_token: str
    asker: Asker | None


class Sessions:
    """Believes the platform's tokens; the cookie holds one as it is, so that it ends when the token does."""

    def __init__(
        self, check: Callable[[str | None], Awaitable[Caller]], scope: str, sign_in_url: str | None = None
    ) -> None:
        self._check = check
        self._scope = scope
        self._sign_in_origin = None if sign_in_url is None else _origin(sign_in_url)

    async def of(self, request: Request) -> Session:
        """The session of a request. Raises runtime.auth's Unauthenticated, Forbidden or KeysUnavailable."""
        token = request.cookies.get(COOKIE, "")
        caller = await self._person(token)
        asker = Asker(caller.user_id, token) if _READ in caller.scopes else None
        return Session(Owner(caller.account_id, caller.user_id), form_token_of(token), asker)

    async def begin(self, request: Request, token: str, response: Response) -> None:
        """Put `token` into the cookie, once it holds. Raises FormNotOurs and what `of` raises."""
        if not self._from_sign_in(request):
            raise FormNotOurs("the session is not from where people sign in")
        await self._person(token)
        if len(COOKIE) + len(token) > _LARGEST_COOKIE:
            raise Unauthenticated("the token is too long for a cookie")
        response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="lax", path="/")

    async def _person(self, token: str) -> Caller:
        caller = await self._check(f"Bearer {token}")
        caller.require(self._scope)
        if caller.service:
            raise Forbidden("a person is needed")
        return caller

    def _from_sign_in(self, request: Request) -> bool:
        # Whoever could post a session of their own from anywhere would have others connect Apple accounts into it.
        named = self._sign_in_origin is not None and request.headers.get("origin") == self._sign_in_origin
        return named or from_our_pages(request)


def end(response: Response) -> None:
    """Take the cookie away."""
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax", path="/")


def form_token_of(token: str) -> str:
    """What a form of this session carries; who does not know the cookie cannot make it."""
    return hmac.digest(token.encode(), _FORMS, sha256).hex()


def demand_our_form(request: Request, session: Session, sent: str) -> None:
    """Raise FormNotOurs unless a page of ours, shown to this session, sent the form."""
    if not from_our_pages(request):
        raise FormNotOurs("another site sent the form")
    # A form may hold half a character, which nothing else could encode.
    if not hmac.compare_digest(sent.encode(errors="surrogatepass"), session.form_token.encode()):
        raise FormNotOurs("the form is of another session")


def from_our_pages(request: Request) -> bool:
    """Whether the browser says that a page of this very origin sent the request.

    Scripts cannot set Sec-Fetch-Site; browsers that do not send it send Origin with every POST.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    sent_by = _host_of(request.headers.get("origin", ""))
    return bool(sent_by) and sent_by == request.headers.get("host")


def _host_of(origin: str) -> str:
    """Without the scheme: behind a proxy that ends TLS we do not know our own. Nothing for what is no origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
