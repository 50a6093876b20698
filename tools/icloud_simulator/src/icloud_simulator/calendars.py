"""Children of a home: adding, sharing, renaming, removing them."""

import secrets
import uuid
from dataclasses import dataclass

from icloud_simulator.facts import Access, CollectionMade, Kind, Mounted, Redecorated, Unmounted
from icloud_simulator.state import Mount
from icloud_simulator.world import Taken, Unknown, World


@dataclass(frozen=True, slots=True)
class NewCalendar:
    """What a calendar shall be; `path_id` None: a UUID of its own, or 64 hex digits where it is shared in."""

    name: str
    kind: Kind = Kind.CALENDAR
    access: Access = Access.OWNER
    path_id: str | None = None
    color: str | None = "#FF2968FF"
    source: str | None = None


def add_calendar(world: World, apple_id: str, wish: NewCalendar) -> Mount:
    """Add a collection to a home. Raises Unknown, Taken."""
    account = world.account(apple_id)
    path_id = wish.path_id or _path_id(wish.access)
    if path_id in account.mounts:
        raise Taken("calendar")
    cid = secrets.token_hex(16)
    looks = (wish.kind, wish.access, wish.name, wish.color, wish.source)
    world.commit(CollectionMade(cid, world.clock.now()), Mounted(account.dsid, path_id, cid, *looks))
    return account.mounts[path_id]


def share_calendar(world: World, mount: Mount, *, guest: str, access: Access) -> Mount:
    """Let another account see a calendar: the same objects, at a path of its own. Raises Unknown."""
    account = world.account(guest)
    if any(held.collection is mount.collection for held in account.mounts.values()):
        raise Taken("calendar")
    path_id = _path_id(access)
    cid = mount.collection.cid
    world.commit(Mounted(account.dsid, path_id, cid, mount.kind, access, mount.name, mount.color, mount.source))
    return account.mounts[path_id]


def unshare_calendar(world: World, mount: Mount, *, guest: str) -> None:
    """Take a shared calendar away from another account. Raises Unknown."""
    account = world.account(guest)
    for held in account.mounts.values():
        if held.collection is mount.collection and held.access is not Access.OWNER:
            world.commit(Unmounted(held.dsid, held.path_id))
            return
    raise Unknown("share")


def remove_calendar(world: World, mount: Mount) -> None:
    """Remove a calendar from a home; its owner's removal takes it from everybody."""
    gone = [mount]
    if mount.access is Access.OWNER:
        gone = mounts_of(world, mount)
    world.commit(*(Unmounted(held.dsid, held.path_id) for held in gone))


def redecorate(world: World, mount: Mount, *, name: str | None, color: str | None) -> Mount:
    """Rename or recolour a calendar in one home; None leaves as is."""
    world.commit(
        Redecorated(
            mount.dsid,
            mount.path_id,
            mount.name if name is None else name,
            mount.color if color is None else color,
        )
    )
    return world.state.accounts[mount.dsid].mounts[mount.path_id]


def mounts_of(world: World, mount: Mount) -> list[Mount]:
    """Return every place where a calendar stands, in all homes."""
    homes = world.state.homes[mount.collection.cid]
    held = (item for dsid in sorted(homes) for item in world.state.accounts[dsid].mounts.values())
    return [item for item in held if item.collection is mount.collection]


def _path_id(access: Access) -> str:
    return str(uuid.uuid4()).upper() if access is Access.OWNER else secrets.token_hex(32)
