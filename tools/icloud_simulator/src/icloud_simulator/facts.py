"""Everything that can have happened, in the past tense: what the journal holds and the state is made of."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a child of the home is."""

    CALENDAR = "calendar"
    REMINDERS = "reminders"
    SUBSCRIBED = "subscribed"
    INBOX = "inbox"
    OUTBOX = "outbox"
    NOTIFICATION = "notification"


class Access(StrEnum):
    """What the owner of a home may do with one of its children."""

    OWNER = "owner"
    READ_WRITE = "read_write"
    READ_ONLY = "read_only"


class Trace(StrEnum):
    """How much of a change the server notices."""

    LOGGED = "logged"
    UNLOGGED = "unlogged"  # the ctag moves, the change log misses it
    UNNOTICED = "unnoticed"  # not even the ctag moves


class OldHost(StrEnum):
    """What a partition host answers to an account that has moved away."""

    UNAUTHORIZED = "unauthorized"
    MISDIRECTED = "misdirected"
    RESET = "reset"
    REFUSED = "refused"  # its port is closed; a reset where others still live on that port
    SERVES = "serves"


@dataclass(frozen=True, slots=True)
class AccountOpened:
    """An Apple account exists. `aliases` sign in as well as `apple_id`; all are lower case."""

    dsid: str
    apple_id: str
    name: str
    aliases: tuple[str, ...]
    main_digest: str
    partition: int


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """The account was locked or unlocked, its calendar switched on or off."""

    dsid: str
    locked: bool
    calendar_enabled: bool


@dataclass(frozen=True, slots=True)
class PartitionMoved:
    """The account lives on another host. `base` is a URL without path; hosts come with their port."""

    dsid: str
    partition: int
    base: str
    new_host: str
    old_host: str
    old_answers: str


@dataclass(frozen=True, slots=True)
class AppPasswordIssued:
    """An app-specific password opens the account."""

    dsid: str
    digest: str
    label: str


@dataclass(frozen=True, slots=True)
class AppPasswordRevoked:
    """One app-specific password opens nothing any more."""

    dsid: str
    digest: str


@dataclass(frozen=True, slots=True)
class MainPasswordChanged:
    """The Apple password was changed, which revokes every app-specific one."""

    dsid: str
    digest: str


@dataclass(frozen=True, slots=True)
class CollectionMade:
    """A collection exists, in nobody's home yet. `cid` is 32 hex digits."""

    cid: str
    at: float


@dataclass(frozen=True, slots=True)
class Mounted:
    """A collection stands in a home; a shared one in several."""

    dsid: str
    path_id: str
    cid: str
    kind: str
    access: str
    name: str
    color: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Unmounted:
    """A collection left a home: deleted, or no longer shared."""

    dsid: str
    path_id: str


@dataclass(frozen=True, slots=True)
class Redecorated:
    """A calendar has another name or colour in one home."""

    dsid: str
    path_id: str
    name: str
    color: str | None


@dataclass(frozen=True, slots=True)
class ObjectWritten:
    """An object has this text from now on; None: it was removed. `stamp` is its ETag in milliseconds."""

    cid: str
    name: str
    uid: str | None
    stamp: int
    at: float
    text: str | None
    trace: str


@dataclass(frozen=True, slots=True)
class TokensExpired:
    """Every sync-token handed out for a collection is dead."""

    cid: str
    at: float
    stamp: int


@dataclass(frozen=True, slots=True)
class InvitationSent:
    """What a real server would have mailed to people. `method` is REQUEST, CANCEL or REPLY."""

    dsid: str
    href: str
    at: float
    method: str
    organizer: str
    attendees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClockMoved:
    """The simulated clock runs `offset` seconds ahead of the machine's."""

    offset: float


@dataclass(frozen=True, slots=True)
class FaultsSet:
    """The fault knobs of one account, or of all when `dsid` is empty."""

    dsid: str
    knobs: dict[str, Any] = field(default_factory=dict)


Fact = (
    AccountOpened
    | StandingChanged
    | PartitionMoved
    | AppPasswordIssued
    | AppPasswordRevoked
    | MainPasswordChanged
    | CollectionMade
    | Mounted
    | Unmounted
    | Redecorated
    | ObjectWritten
    | TokensExpired
    | InvitationSent
    | ClockMoved
    | FaultsSet
)

_BY_NAME: dict[str, Callable[..., Fact]] = {cls.__name__: cls for cls in Fact.__args__}


def to_json(fact: Fact) -> dict[str, Any]:
    """Return the fact as plain JSON, its name under `fact`."""
    return {"fact": type(fact).__name__, **asdict(fact)}


def from_json(value: dict[str, Any]) -> Fact:
    """Read a fact back. Raises KeyError or TypeError for what is none."""
    fields = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items() if key != "fact"}
    return _BY_NAME[value["fact"]](**fields)
