"""An Apple ID with an app-specific password, in the only shape that ever reaches a socket."""

import re
import unicodedata
from base64 import b64encode
from typing import Literal, NoReturn, Self

CredentialField = Literal["apple_id", "app_password"]

# An e-mail address as Apple accepts it for an Apple Account. A colon would end the user name of Basic (RFC 7617 §2).
_APPLE_ID = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_APPLE_ID_LENGTH = 254  # RFC 5321 §4.5.3.1.3, less the brackets
_LETTERS = re.compile(r"[a-z]{16}")
_APP_PASSWORD = re.compile(r"[a-z]{4}(?:-[a-z]{4}){3}")
# What copying from a web page, a chat or a password store mixes in: zero-width characters and soft hyphens (Cf);
# in a password also spaces, line ends and hyphens of every kind.
_ZERO_WIDTH = frozenset({"Cf"})
_BETWEEN_LETTERS = _ZERO_WIDTH | {"Zs", "Zl", "Zp", "Cc", "Pd"}


class CredentialMalformed(Exception):
    """What was typed cannot be an Apple ID or an app-specific password. Never says what it was."""

    def __init__(self, field: CredentialField) -> None:
        super().__init__(f"{field} is malformed")
        self.field: CredentialField = field


class AppleCredential:
    """An Apple ID (lower case) and its app-specific password (`xxxx-xxxx-xxxx-xxxx`); frozen.

    A plain class and no dataclass: `asdict`, pydantic and pretty printers would write the fields of a dataclass out.
    It has no text form, is not pickled and not copied.
    """

    __slots__ = ("_app_password", "_apple_id")
    _apple_id: str
    _app_password: str

    def __init__(self, apple_id: str, app_password: str) -> None:
        """Raise CredentialMalformed unless both have their final shape; `typed` brings them into it."""
        if len(apple_id) > _APPLE_ID_LENGTH or not _APPLE_ID.fullmatch(apple_id):
            raise CredentialMalformed("apple_id")
        if not _APP_PASSWORD.fullmatch(app_password):
            raise CredentialMalformed("app_password")
        object.__setattr__(self, "_apple_id", apple_id)
        object.__setattr__(self, "_app_password", app_password)

    @classmethod
    def typed(cls, apple_id: str, app_password: str) -> Self:
        """Read what a person typed or pasted: spaces, zero-width characters, capitals, hyphens of every kind or none.

        Raise CredentialMalformed for anything else, so that another password goes no further than this.
        """
        letters = _without(app_password, _BETWEEN_LETTERS).lower()
        if not _LETTERS.fullmatch(letters):
            # The Apple ID may be wrong as well; the password is told first, as it is the one most often mistaken.
            raise CredentialMalformed("app_password")
        groups = "-".join(letters[start : start + 4] for start in range(0, 16, 4))
        return cls(_without(apple_id, _ZERO_WIDTH).strip().lower(), groups)

    @property
    def apple_id(self) -> str:
        return self._apple_id

    @property
    def app_password(self) -> str:
        return self._app_password

    def basic(self) -> str:
        """Value of the Authorization header (RFC 7617)."""
        return "Basic " + b64encode(f"{self._apple_id}:{self._app_password}".encode()).decode()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} is frozen")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name} is frozen")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AppleCredential):
            return NotImplemented
        return (self._apple_id, self._app_password) == (other._apple_id, other._app_password)

    def __hash__(self) -> int:
        return hash((self._apple_id, self._app_password))

    def __repr__(self) -> str:
        return "AppleCredential(…)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a credential is neither pickled nor copied")


def _without(typed: str, categories: frozenset[str]) -> str:
    return "".join(character for character in typed if unicodedata.category(character) not in categories)
