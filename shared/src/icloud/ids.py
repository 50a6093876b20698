"""Identities that all services derive alike: 24 hexadecimal digits (96 bits) of a SHA-256.

Paths are percent-decoded as `icloud.paths` does it: one path for each resource.
"""

from hashlib import sha256

_DIGITS = 24


def calendar_id(connection_id: str, path: str) -> str:
    """Of a calendar; `path` is percent-decoded and ends with a slash."""
    return _digest(connection_id, path)


def event_id(connection_id: str, href: str) -> str:
    """Of one calendar object; `href` is its percent-decoded path. The same UID in two calendars is two events."""
    return _digest(connection_id, href)


def uid_hash(connection_id: str, uid: str) -> str:
    """Of a UID within one connection; tells nothing about the same UID in another connection."""
    return _digest(connection_id, uid)


def _digest(connection_id: str, name: str) -> str:
    return sha256(f"{connection_id}\n{name}".encode()).hexdigest()[:_DIGITS]
