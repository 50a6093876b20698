"""What must never stand in a log, and how an error is told without what it quotes."""

import re
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, Final

from aiokafka.errors import KafkaError
from pymongo.errors import ConnectionFailure

REDACTED: Final = "[redacted]"

_SECRET_KEYS: Final = re.compile(
    r"passw|apple_?id|(?:^|_)(?:secret|token|authorization|credentials?|cookie|principal|dsid|e?mail|title|summary"
    r"|ics|body|payload)(?:$|_)",
    re.IGNORECASE,
)
_ADDRESS: Final = r"[\w.+%-]{1,254}(?:@|%40)[\w-]{1,254}(?:\.[\w-]+)+"
"""An Apple ID is a mail address, of 254 characters at most (RFC 5321). Unbounded, a long word costs its square."""
_SECRET_TEXTS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i)\b(?:basic|bearer)\s+[\w+/=.~-]{8,}",
        r"\beyJ[\w-]+\.[\w-]+\.[\w-]*",  # a JSON web token
        r"(?<![a-zA-Z0-9_])[a-z]{4}(?:-[a-z]{4}){3}(?![a-zA-Z0-9_])",  # an app-specific password as Apple shows it
        r"(?<![a-zA-Z0-9_])[a-z]{16}(?![a-zA-Z0-9_])",  # and as people type it
        _ADDRESS,
        r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",  # user and password in a URL
        r"(?<=/)\d{5,}(?=/)",  # a DSID in a CalDAV path
        r"(?s)BEGIN:V.*",  # an iCalendar body
    )
)
_SIGN: Final = re.compile(r"[@%\s:-]|eyJ|[a-z]{16}|/\d{5}")
"""Each of them holds one of these, and most of what we say none: one by one they took half of a line's time."""
_PLAIN_KEYS: Final = frozenset({"event", "level", "logger", "method", "route"})
"""Of nearly every line, and none of them sounds like a secret's."""
_OURS: Final = frozenset({"connector", "sync_worker", "availability", "contracts", "icloud", "runtime"})
_SPEAKING: Final = (OSError, KafkaError, ConnectionFailure)
"""Errors whose message tells of machines alone. Others quote what they choked on: documents, inputs, headers."""
_FRAMES: Final = 12
_DEPTH: Final = 8


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cover what a secret key holds and what looks like a secret, at any depth (a structlog processor)."""
    return {
        key: _covered_text(value) if type(value) is str and key in _PLAIN_KEYS else _covered(key, value, depth=0)
        for key, value in event.items()
    }


def tell_errors(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace `exc_info` by types and places of the error and its causes (a structlog processor)."""
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        event["error"] = [_told(link) for link in _chain(error)]
    return event


def _error_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    return exc_info[1] if isinstance(exc_info, tuple) and isinstance(exc_info[1], BaseException) else None


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in links:
        links.append(at)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return links


def _told(error: BaseException) -> dict[str, object]:
    told: dict[str, object] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if isinstance(error, _SPEAKING) or type(error).__module__.partition(".")[0] in _OURS:
        told["message"] = str(error)
    if isinstance(error, BaseExceptionGroup):
        told["errors"] = [_told(inner) for inner in error.exceptions]
    told["at"] = _places(error.__traceback__)
    return told


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"{'/'.join(frame.filename.rsplit('/', 2)[-2:])}:{frame.lineno} {frame.name}" for frame in frames]


def _covered(key: str, value: object, *, depth: int) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, bytes) or _SECRET_KEYS.search(key) or depth == _DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return {str(k): _covered(str(k), v, depth=depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_covered("", item, depth=depth + 1) for item in value]
    return _covered_text(str(value))


def _covered_text(text: str) -> str:
    if not _SIGN.search(text):
        return text
    for pattern in _SECRET_TEXTS:
        # From each letter of a word it reads on: half of a line's cost.
        if pattern.pattern != _ADDRESS or "@" in text or "%40" in text:
            text = pattern.sub(REDACTED, text)
    return text
