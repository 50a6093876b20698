"""Paths of collections and objects: percent-decoded for identity, encoded for the wire.

Servers write the same path in several ways (`%40` and `@`, `%2f` and `%2F`, absolute and relative); only the decoded
form is compared. It leads back to the same resource: an octet that cannot be decoded without becoming something else
stays percent-encoded, in capitals. These are a slash inside of a name, control characters, what is no UTF-8, and a
percent sign in front of what would read as one of them.
"""

import re
from contextlib import suppress
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from icloud.errors import NotUnderstood

# RFC 3986 §3.3: what may stand in a path segment as it is. EDS found that iCloud's GET wants `@` unescaped.
_SAFE = "/!$&'()*+,=:@"
_MAX_LENGTH = 2_048
_MAX_ENCODED = 12 * _MAX_LENGTH + 512  # a character is up to four octets; a host may stand in front
# What nearly every href looks like, and what decoding would not change.
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
# XML's own; what else looks like a space may belong to a name.
SPACES = " \t\r\n"
# What no URL holds as it is (urllib drops some of it), and what urllib drops at the end of a path.
_UNDROPPED = {code: f"%{code:02X}" for code in (*range(0x21), ord(";"), 0x7F)}
_STAYS = "(?:25|2F|[01][0-9A-F]|7F|[89A-F][0-9A-F])"
# Octets that are no UTF-8 are read as surrogates.
_UNDECODABLE = re.compile(rf"%(?={_STAYS})|[/\x00-\x1f\x7f-\x9f\udc80-\udcff]+")
_STAYED = re.compile(rf"%25(?={_STAYS})")
_ABSOLUTE = re.compile("/(?!/)")  # with two it would name a host
_DOTS = re.compile(r"(?:/|%2F)\.{1,2}(?=/|%2F|\Z)")
_DIGITS = 24


def decoded(href: str, *, base: str = "/") -> str:
    """Path that an href names, without host and query; `base` is the encoded path it is relative to.

    Raise NotUnderstood for what is no path, is too long, or holds an encoded dot segment: it may lead anywhere.
    """
    if _PLAIN.fullmatch(href) and 0 < len(href) <= _MAX_LENGTH:
        return href
    if len(href) > _MAX_ENCODED:
        raise NotUnderstood("strange_href")
    try:
        whole = urlsplit(urljoin(base, href.strip(SPACES).translate(_UNDROPPED))).path
        path = "/".join(map(_decoded, whole.split("/"))) if "%" in whole or not whole.isascii() else whole
    except ValueError:
        raise NotUnderstood("strange_href") from None
    if not _ABSOLUTE.match(path) or len(path) > _MAX_LENGTH or not is_askable(path):
        raise NotUnderstood("strange_href")
    return path


def told(href: str, *, base: str) -> str:
    """Path that an href in an answer about `base` names; one below `base` that is never asked where it cannot be.

    So what bears such a name is told apart from all others, at whose expense it does not go.
    """
    if "?" not in href and "#" not in href:
        with suppress(NotUnderstood):
            return decoded(href, base=base)
    return f"{of_collection(decoded(base))}./{sha256(href.encode()).hexdigest()[:_DIGITS]}"


def is_askable(path: str) -> bool:
    """Tell whether a path has no dot segments, between encoded slashes neither: no server may go up or down by it."""
    return _DOTS.search(path) is None


def encoded(path: str) -> str:
    """Form of a decoded path that goes over the wire. Raise NotUnderstood for one that is never asked."""
    return _encoded(path, _SAFE)


def fully_encoded(path: str) -> str:
    """Form with every reserved character escaped, for servers that know an object under that name alone."""
    return _encoded(path, "/")


def of_collection(path: str) -> str:
    """Path of a collection, with its trailing slash."""
    return path if path.endswith("/") else f"{path}/"


def _decoded(segment: str) -> str:
    return _UNDECODABLE.sub(_still_encoded, unquote_to_bytes(segment).decode(errors="surrogateescape"))


def _still_encoded(odd: re.Match[str]) -> str:
    return "%" + odd[0].encode(errors="surrogateescape").hex("%").upper()


def _encoded(path: str, safe: str) -> str:
    if not is_askable(path):
        raise NotUnderstood("strange_href")
    return _STAYED.sub("%", quote(path, safe=safe))
