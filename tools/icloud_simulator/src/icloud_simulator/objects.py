"""Calendar objects: writing, moving, removing them, as the server does once it has agreed to."""

import uuid
from collections.abc import Iterable, Sequence

from icloud_simulator.facts import Fact, InvitationSent, ObjectWritten, TokensExpired, Trace
from icloud_simulator.ics import uid_of
from icloud_simulator.state import Account, Mount
from icloud_simulator.world import Unknown, World


def uid_holder(account: Account, uid: str) -> tuple[Mount, str] | None:
    """Find the object that has a UID anywhere in an account."""
    for mount in account.mounts.values():
        name = mount.collection.names_by_uid.get(uid)
        if name is not None:
            return mount, name
    return None


def write(world: World, mount: Mount, texts: Iterable[tuple[str, str]], *, trace: Trace = Trace.LOGGED) -> list[str]:
    """Store texts verbatim under their names, all at once. Returns their ETags."""
    facts = _written(world, mount, ((name, text) for name, text in texts), trace)
    world.commit(*facts)
    return [version.etag for fact in facts if (version := mount.collection.current(fact.name)) is not None]


def remove(world: World, mount: Mount, names: Sequence[str], *, trace: Trace = Trace.LOGGED) -> None:
    """Remove objects, all at once. Raises Unknown when one is not there."""
    if any(mount.collection.current(name) is None for name in names):
        raise Unknown("object")
    world.commit(*_written(world, mount, ((name, None) for name in names), trace))


def move(world: World, mount: Mount, name: str, *, to: Mount) -> str:
    """Move an object to another calendar of the account, as Apple's own apps do. Returns its new ETag."""
    version = mount.collection.current(name)
    if version is None:
        raise Unknown("object")
    world.commit(
        *_written(world, mount, [(name, None)], Trace.LOGGED),
        *_written(world, to, [(name, version.text)], Trace.LOGGED, later=1),
    )
    moved = to.collection.current(name)
    return moved.etag if moved is not None else ""


def touch(world: World, mount: Mount, names: Sequence[str] | None = None) -> int:
    """Give objects (default: all) new ETags and the same text, as Apple's housekeeping does. Returns how many."""
    current = dict(mount.collection.objects())
    chosen = list(current) if names is None else names
    texts = [(name, current[name].text) for name in chosen if name in current]
    world.commit(*_written(world, mount, texts, Trace.LOGGED))
    return len(texts)


def expire_tokens(world: World, mount: Mount) -> None:
    """Kill every sync-token of a calendar, the present one too."""
    world.commit(TokensExpired(mount.collection.cid, world.clock.now(), world.next_stamp()))


def new_name() -> str:
    """Return a name as Apple's apps choose it."""
    return f"{uuid.uuid4()}.ics".upper().replace(".ICS", ".ics")


def invitation(mount: Mount, name: str, at: float, *, method: str, people: tuple[str, tuple[str, ...]]) -> Fact:
    """Record what a real server would have mailed."""
    organizer, attendees = people
    return InvitationSent(mount.dsid, f"{mount.path}{name}", at, method, organizer, attendees)


def _written(
    world: World, mount: Mount, texts: Iterable[tuple[str, str | None]], trace: Trace, *, later: int = 0
) -> list[ObjectWritten]:
    at, stamp = world.clock.now(), world.next_stamp() + later
    cid = mount.collection.cid
    return [
        ObjectWritten(cid, name, None if text is None else uid_of(text), stamp + place, at, text, trace)
        for place, (name, text) in enumerate(texts)
    ]
