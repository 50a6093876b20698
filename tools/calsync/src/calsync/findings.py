"""What must hold between the services' documents, judged purely: documents in, what is wrong with them out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

Document = Mapping[str, Any]
Version = tuple[int, int]


class Finding(NamedTuple):
    """One thing that is not as it must be. `subject` is an id: of an event, an appointment, a calendar."""

    check: str
    connection_id: str | None
    subject: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is looked, and how long what one service says may take to reach another."""

    now: datetime
    grace: timedelta

    def young(self, since: datetime | int | None) -> bool:
        """Whether others need not know of it yet."""
        if since is None:
            return False
        moment = datetime.fromtimestamp(since, UTC) if isinstance(since, int) else since
        return self.now - moment < self.grace


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection as each service holds it; None: not at all."""

    id: str
    own: Document | None = None
    kept: Document | None = None
    told: Document | None = None
    sealed: Document | None = None
    claimed: bool = False
    """Whether its Apple account is marked as its own."""

    @property
    def lives(self) -> bool:
        """Whether the connector has it, and it has not ended."""
        return self.own is not None and self.own["state"] != "disconnected"


def of_connection(one: Connection, at: Moment) -> Iterator[Finding]:
    """Whether connector, vault, sync-worker and availability agree on a connection."""
    if one.own is not None and at.young(one.own.get("changed_at")):
        return
    whats = _of_living(one, one.own) if one.lives and one.own is not None else _of_ended(one)
    for what in whats:
        yield Finding("states", one.id, None, what)
    waiting = [each.get("since", each["at"]) for each in (one.own or {}).get("pending", ())]
    if waiting and not at.young(min(waiting)):
        yield Finding("pending", one.id, None, "the connector's announcement waits for Kafka")


def _of_living(one: Connection, own: Document) -> Iterator[str]:
    wanted = (own["epoch"], own["revision"])
    if one.sealed is None:
        yield "the vault has no credential of it"
    elif (one.sealed["epoch"], one.sealed["account_id"]) != (own["epoch"], own["account_id"]):
        yield "the vault's credential is of another epoch or account"
    if not one.claimed:
        yield "its Apple account is not marked as its own"
    if own.get("pending"):
        return
    if one.kept is None or one.kept.get("state") != "active":
        yield "the workers do not look after it"
    elif (one.kept["epoch"], one.kept.get("revision", 0)) != wanted:
        yield "the workers know another version of it"
    if one.told is None or "setup" not in one.told:
        yield "availability does not know it"
    elif (one.told["setup"]["epoch"], one.told["setup"]["revision"]) != wanted:
        yield "availability knows another version of it"


def _of_ended(one: Connection) -> Iterator[str]:
    why = "it is over" if one.own is not None else "the connector does not know it"
    if one.sealed is not None:
        yield f"{why}, and the vault still has its credential"
    if one.claimed:
        yield "it is over, and its Apple account is still taken"
    if one.own is not None and one.own.get("pending"):
        return
    if one.kept is not None and one.kept.get("state") != "gone":
        yield f"{why}, and the workers still have it"
    if one.told is not None and "ended" not in one.told and "setup" in one.told:
        yield f"{why}, and availability still has it"


def of_events(
    connection_id: str, objects: Iterable[Document], events: Iterable[Document], at: Moment
) -> Iterator[Finding]:
    """Whether availability holds exactly what the workers have told, event by event."""
    applied = {one["_id"]: one for one in events}
    for one in objects:
        found = applied.pop(one["_id"], None)
        said = _of_event(one, found, at)
        if said is not None:
            yield Finding(*said[:1], connection_id, one["_id"], said[1])
    for event_id, left in applied.items():
        if left["finality"] == 0:
            yield Finding("events", connection_id, event_id, "availability has it, the workers do not")
        elif "expires_at" not in left:
            yield Finding("gravestones", connection_id, event_id, "availability's gravestone never goes")


def _of_event(one: Document, found: Document | None, at: Moment) -> tuple[str, str] | None:
    if at.young(one["as_of"]) or at.young(one.get("gone_at")):
        return None
    if one.get("pending"):
        return "pending", "waits for Kafka"
    if one["alive"]:
        what = _of_living_event(one, found)
        return ("events", what) if what else None
    if "gone_at" not in one:
        return "gravestones", "the workers' gravestone never goes"
    there_still = found is not None and found["finality"] == 0
    return ("events", "it is gone, and availability still has it") if there_still else None


def _of_living_event(one: Document, found: Document | None) -> str | None:
    if found is None or version(found) < version(one):
        return "availability has not applied it"
    if found["finality"] != 0 or version(found) != version(one):
        return "availability has something newer than the workers"
    return None


def of_appointments(entries: Sequence[Document], at: Moment) -> Iterator[Finding]:
    """Whether a user's appointments lie apart, and none waits long to be told. All of one user."""
    until, holder = 0, ""
    for one in sorted((each for each in entries if "entry" in each), key=lambda each: int(each["entry"]["start"])):
        if one["entry"]["start"] < until:
            yield Finding("overlaps", None, one["_id"], f"overlaps with appointment {holder}")
        if one["entry"]["end"] > until:
            until, holder = one["entry"]["end"], one["_id"]
    for one in entries:
        waiting = [each["at"] for each in one.get("pending", ())]
        if waiting and not at.young(min(waiting)):
            yield Finding("pending", None, one["_id"], "availability's announcement waits for Kafka")


def version(one: Document) -> Version:
    """What orders everything that is said of one thing."""
    return (one["epoch"], one["revision"])
