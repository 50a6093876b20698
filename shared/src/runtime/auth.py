"""Who is calling: tokens of the platform, checked against its public keys."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from typing import Any, Final

import aiohttp
import jwt

from runtime.clock import system_clock
from runtime.jwks import Key, keys_at
from runtime.logs import get_logger
from runtime.settings import AuthSettings

_SKEW_SECONDS: Final = 30
"""How far the platform's clock may be from ours."""
_TOKEN_LENGTH: Final = 8_192
_REFRESH_SECONDS: Final = 600.0
"""A key that the platform has withdrawn is believed no longer than this, unless its keys cannot be fetched."""
_AHEAD: Final = 0.5
"""At this part of that age keys are fetched anew while callers are answered by them: nobody waits once they are old."""
_PAUSE_SECONDS: Final = 10.0
"""Between two fetches of the keys, so that made-up key ids cannot turn us against the platform."""
_FAILURE_SECONDS: Final = 90.0
"""So long after a fetch that failed it is taken that the keys cannot be had. Remembered tokens ask for no fetch."""
_PATIENCE_SECONDS: Final = 1.0
"""So long a caller whose key is known waits to hear that it is still good, where nobody asked for long."""
_REMEMBERED_SECONDS: Final = 60.0
_REMEMBERED_TOKENS: Final = 10_000
"""Of everybody who asks within a minute; some 3 MB."""
_REQUIRED: Final = ("iss", "aud", "exp", "sub", "account_id")
_SERVICE: Final = "service:"
USER_ID: Final = r"^[A-Za-z0-9_.:@|+-]{1,128}$"
"""What the id of a user or an account looks like, for whoever lets callers name one."""
_ID: Final = re.compile(USER_ID)

_log = get_logger("auth")


class Unauthenticated(Exception):
    """The token is missing or not to be believed; the message says why in words that show none of it."""


class TokenMissing(Unauthenticated):
    """Nobody said who is calling."""


class Forbidden(Exception):
    """The caller is known and may not do this."""


class KeysUnavailable(Exception):
    """The platform's public keys cannot be had now; nobody can be checked. Try later."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose token holds. `user_id` is the token's `sub`; a service's is `service:<name>`."""

    account_id: str
    user_id: str
    scopes: frozenset[str]
    service: bool

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the token carries `scope`."""
        if scope not in self.scopes:
            raise Forbidden(f"scope {scope} is needed")

    def may_act_for(self, user_id: str) -> bool:
        """Whether this caller may name `user_id` of its own account: a service any user, a person only themself.

        A service is no user: nobody may name one.
        """
        return not user_id.startswith(_SERVICE) if self.service else user_id == self.user_id


class TokenChecker:
    """Believes RS256 and ES256 tokens of the configured issuer and audience.

    What a token says of its own key is never followed: a key counts when the platform lists it under the token's `kid`,
    and only with the algorithm of its kind.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = self._tried_at = self._failed_at = -inf
        self._fetching: asyncio.Task[None] | None = None
        self._checked = _Checked()

    async def check(self, authorization: str | None) -> Caller:
        """The caller behind an Authorization header. Raises Unauthenticated or KeysUnavailable."""
        token = _bearer(authorization)
        remembered = None if self._older(_REFRESH_SECONDS) else self._checked.get(token)
        return remembered or await self._check(token)

    async def _check(self, token: str) -> Caller:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise Unauthenticated("not a JSON web token") from None
        if "crit" in header:
            raise Unauthenticated("the token asks for an extension")
        key = await self._key(header.get("kid"))
        if header.get("alg") != key.algorithm:
            raise Unauthenticated("the algorithm is not the key's")
        claims = self._claims(token, key)
        caller = _caller(claims)
        self._checked.put(token, caller, claims["exp"])
        return caller

    def _claims(self, token: str, key: Key) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=_SKEW_SECONDS,
                options={"require": list(_REQUIRED)},
            )
        except jwt.InvalidTokenError as fault:
            raise Unauthenticated(type(fault).__name__) from None
        except (ValueError, TypeError, OverflowError):  # claims of shapes that PyJWT does not expect
            raise Unauthenticated("malformed claims") from None

    async def _key(self, kid: object) -> Key:
        if not isinstance(kid, str):
            raise Unauthenticated("the token names no key")
        if kid not in self._keys:
            await self._fetched(None)
        elif self._older(_REFRESH_SECONDS * _AHEAD):
            await self._fetched(_PATIENCE_SECONDS if self._doubtful() else 0)
        if self._fetched_at == -inf:
            raise KeysUnavailable
        try:
            return self._keys[kid]
        except KeyError:
            raise Unauthenticated("the key is unknown") from None

    def _older(self, seconds: float) -> bool:
        return _now() - self._fetched_at > seconds

    def _doubtful(self) -> bool:
        """Whether a key may be withdrawn for too long, for all we know, and we could know better."""
        return self._older(_REFRESH_SECONDS) and _now() - self._failed_at > _FAILURE_SECONDS

    async def _fetched(self, patience: float | None) -> None:
        """Wait so many seconds at most for the fetch that is under way, or for a new one.

        None is begun sooner than the pause after the last.
        """
        if self._fetching is None or self._fetching.done():
            if _now() - self._tried_at < _PAUSE_SECONDS:
                return
            self._tried_at = _now()
            # A task of its own: whoever hangs up takes it from nobody, and who need not wait does not.
            self._fetching = asyncio.create_task(self._fetch())
        done, _ = await asyncio.wait([self._fetching], timeout=patience)
        if patience and not done:
            self._failed_at = _now()

    async def _fetch(self) -> None:
        try:
            self._keys = await keys_at(self._settings.jwks)
        except (OSError, ValueError, RecursionError, aiohttp.ClientError, jwt.PyJWTError) as error:
            self._failed_at = _now()
            _log.warning("keys_unavailable", why=type(error).__name__)
        else:
            self._fetched_at = _now()
            # What a withdrawn key has signed is believed no longer.
            self._checked = _Checked()


class _Checked:
    """Tokens that were found to hold, by their hashes: a signature costs a third of a millisecond, a hash nothing.

    None is believed past its own end, and none for long without another check.
    """

    def __init__(self) -> None:
        self._callers: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def get(self, token: str) -> Caller | None:
        digest = _digest(token)
        until, caller = self._callers.get(digest, (0.0, None))
        if caller is None:
            return None
        if until <= _now():
            del self._callers[digest]
            return None
        self._callers.move_to_end(digest)
        return caller

    def put(self, token: str, caller: Caller, exp: float) -> None:
        left = min(_REMEMBERED_SECONDS, exp - system_clock().timestamp())
        self._callers[_digest(token)] = (_now() + left, caller)
        if len(self._callers) > _REMEMBERED_TOKENS:
            self._callers.popitem(last=False)


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii")).digest()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing("no bearer token")
    if len(token) > _TOKEN_LENGTH:
        raise Unauthenticated("the token is too long")
    if not token.isascii():
        raise Unauthenticated("not a JSON web token")
    return token


def _caller(claims: Mapping[str, Any]) -> Caller:
    account, user, scope = claims["account_id"], claims["sub"], claims.get("scope", "")
    if not all(isinstance(said, str) and _ID.fullmatch(said) for said in (account, user)) or not isinstance(scope, str):
        raise Unauthenticated("malformed claims")
    return Caller(account, user, frozenset(scope.split()), service=user.startswith(_SERVICE))
