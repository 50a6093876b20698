"""The platform's public keys, as it lists them (RFC 7517)."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_FETCH_SECONDS: Final = 5.0
_KEYS_BYTES: Final = 256 * 1024
_RSA_BITS: Final = 2_048


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, and the one algorithm that it is believed with."""

    algorithm: str
    key: RSAPublicKey | EllipticCurvePublicKey


async def keys_at(source: str) -> dict[str, Key]:
    """The usable keys of a key set, by id, from a URL or a file.

    Raises OSError, aiohttp.ClientError, ValueError or RecursionError for what is no key set or endless, jwt.PyJWTError.
    """
    return _usable(await _fetch(source))


async def _fetch(source: str) -> object:
    if not source.startswith(("https://", "http://")):
        return json.loads(await asyncio.to_thread(Path(source).read_bytes))
    timeout = aiohttp.ClientTimeout(total=_FETCH_SECONDS)
    # A session for each fetch: it happens every ten minutes, and nothing stays open in between.
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(source, allow_redirects=False, raise_for_status=True) as answer,
    ):
        body = await answer.content.read(_KEYS_BYTES)
        while not answer.content.at_eof():
            if len(body) >= _KEYS_BYTES:
                raise ValueError("too many keys")
            body += await answer.content.read(_KEYS_BYTES)
        return json.loads(body)


def _usable(key_set: object) -> dict[str, Key]:
    """The keys that may verify signatures, by id. Others, symmetric ones above all, are passed over."""
    listed = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(listed, list):
        raise ValueError("not a key set")  # noqa: TRY004 - it is the platform's text that is wrong, not our type
    usable: dict[str, Key] = {}
    for entry in listed:
        if isinstance(entry, dict) and isinstance(kid := entry.get("kid"), str) and (key := _read(entry)):
            usable[kid] = key
    return usable


def _read(entry: dict[str, Any]) -> Key | None:
    if entry.get("use", "sig") != "sig" or entry.get("kty") not in {"RSA", "EC"}:
        return None
    try:
        key = jwt.PyJWK(entry, algorithm="RS256" if entry["kty"] == "RSA" else "ES256").key
    except jwt.PyJWTError:
        return None
    if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS and entry.get("alg", "RS256") == "RS256":
        return Key("RS256", key)
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        return Key("ES256", key)
    return None
