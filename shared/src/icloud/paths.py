"""Paths of collections and objects: percent-decoded for identity, encoded for the wire.

Servers write the same path in several ways (`%40` and `@`, absolute and relative); only the decoded form is compared.
"""

import re
from urllib.parse import quote, unquote, urljoin, urlsplit

from icloud.errors import NotUnderstood

# RFC 3986 §3.3: what may stand in a path segment as it is. EDS found that iCloud's GET wants `@` unescaped.
_SAFE = "/!$&'()*+,;=:@"
_MAX_LENGTH = 2_048
# What nearly every href looks like, and what decoding would not change.
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")


def decoded(href: str, *, base: str = "/") -> str:
    """Path that an href names, percent-decoded; `base` is the encoded path it is relative to.

    Raise NotUnderstood where the decoded path would not lead back to the same place: an encoded slash, a dot segment,
    control characters, bytes that are no UTF-8.
    """
    if _PLAIN.fullmatch(href) and 0 < len(href) <= _MAX_LENGTH:
        return href
    try:
        encoded = urlsplit(urljoin(base, href.strip())).path
        path = unquote(encoded, errors="strict")
    except ValueError:
        raise NotUnderstood("strange_href") from None
    if not path.startswith("/") or len(path) > _MAX_LENGTH or path.count("/") != encoded.count("/"):
        raise NotUnderstood("strange_href")
    if not path.isprintable() or not {".", ".."}.isdisjoint(path.split("/")):
        raise NotUnderstood("strange_href")
    return path


def encoded(path: str) -> str:
    """Form of a decoded path that goes over the wire."""
    return quote(path, safe=_SAFE)


def fully_encoded(path: str) -> str:
    """Form with every reserved character escaped, for servers that know an object under that name alone."""
    return quote(path, safe="/")


def of_collection(path: str) -> str:
    """Path of a collection, with its trailing slash."""
    return path if path.endswith("/") else f"{path}/"
