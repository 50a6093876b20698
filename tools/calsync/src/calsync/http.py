"""Asking the services, as every other service of the platform asks them."""

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from pydantic import SecretStr

from calsync.ends import Misuse, NotThere, Unreachable

_SECONDS: Final = 20.0
_TOO_MANY: Final = 429
_SERVERS: Final = 500
_REFUSED: Final = 400


async def ask(
    method: str, url: str, token: SecretStr, *, params: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and body of an answer that is no refusal. Raises Misuse, NotThere, Unreachable."""
    headers = {"Authorization": f"Bearer {token.get_secret_value()}", "Accept-Language": "en"}
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as client,
            client.request(method, url, params=params, allow_redirects=False) as answer,
        ):
            body = await answer.json(content_type=None) if answer.content_length != 0 else {}
            _demand(answer.status, body if isinstance(body, dict) else {}, answer.headers.get("Retry-After"), url)
            return answer.status, body if isinstance(body, dict) else {}
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unreachable(f"{_origin(url)} does not answer as expected ({type(error).__name__}).") from error


def _demand(status: int, body: Mapping[str, Any], retry_after: str | None, url: str) -> None:
    """A service's refusal by what is to be done about it. Its `code` is ours; its words are not repeated."""
    if status < _REFUSED and status // 100 == 2:  # noqa: PLR2004 - success
        return
    code = str(body.get("code", status))
    if status == 401:  # noqa: PLR2004 - as HTTP numbers it
        raise Misuse("The token is not believed. Is CALSYNC_ADMIN_TOKEN still valid?")
    if status == 403:  # noqa: PLR2004 - as HTTP numbers it
        raise Misuse("The token lacks a scope: calendar:manage for the connector, availability:read for availability.")
    if status == 404:  # noqa: PLR2004 - as HTTP numbers it
        raise NotThere("It does not exist, or belongs to another CrocoClick account than the token.")
    if status == _TOO_MANY or status >= _SERVERS:
        again = f" Try again in {retry_after} s." if retry_after else ""
        raise Unreachable(f"{_origin(url)} cannot do it now ({code}).{again}")
    raise Misuse(f"{_origin(url)} refuses: {code}.")


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])
