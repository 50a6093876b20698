"""Objects of a calendar, written and changed as the user's iPhone would: no rule stands in the way."""

from fastapi import APIRouter, HTTPException

from icloud_simulator import edits, objects
from icloud_simulator.admin.context import TheWorld
from icloud_simulator.admin.events import changes_of, event_of
from icloud_simulator.admin.models import (
    Destination,
    EventChange,
    EventWish,
    Names,
    ObjectTexts,
    ObjectView,
    Split,
    Stored,
)
from icloud_simulator.apple_ics import apple_text
from icloud_simulator.edits import Side
from icloud_simulator.facts import Trace
from icloud_simulator.state import Mount
from icloud_simulator.world import Unknown, World

router = APIRouter(prefix="/accounts/{apple_id}", tags=["objects"])
_CALENDAR = "/calendars/{path_id}"


def _views(mount: Mount) -> list[ObjectView]:
    return [
        ObjectView(
            href=mount.path + name,
            calendar=mount.path_id,
            name=name,
            uid=version.uid,
            etag=version.etag,
            ics=version.text or "",
        )
        for name, version in mount.collection.objects()
    ]


def _text(mount: Mount, name: str) -> str:
    version = mount.collection.current(name)
    if version is None or version.text is None:
        raise Unknown("object")
    return version.text


def _write(world: World, mount: Mount, name: str, text: str) -> Stored:
    (etag,) = objects.write(world, mount, [(name, text)])
    return Stored(href=mount.path + name, etag=etag)


@router.get("/objects")
async def list_objects(world: TheWorld, apple_id: str) -> list[ObjectView]:
    """Tell the truth: every object of an account as it is now."""
    return [view for mount in world.account(apple_id).mounts.values() for view in _views(mount)]


@router.post(_CALENDAR + "/objects", status_code=201)
async def put_objects(world: TheWorld, apple_id: str, path_id: str, texts: ObjectTexts) -> list[Stored]:
    """Store texts verbatim, all at once; existing names are overwritten."""
    mount = world.mount(apple_id, path_id)
    named = [(item.name or objects.new_name(), item.ics) for item in texts.objects]
    etags = objects.write(world, mount, named, trace=texts.trace)
    return [Stored(href=mount.path + name, etag=etag) for (name, _), etag in zip(named, etags, strict=True)]


@router.post(_CALENDAR + "/objects/remove", status_code=204)
async def remove_objects(world: TheWorld, apple_id: str, path_id: str, chosen: Names) -> None:
    """Remove objects, all at once."""
    mount = world.mount(apple_id, path_id)
    names = [name for name, _ in mount.collection.objects()] if chosen.names is None else chosen.names
    objects.remove(world, mount, names, trace=chosen.trace)


@router.delete(_CALENDAR + "/objects/{name:path}", status_code=204)
async def remove_object(world: TheWorld, apple_id: str, path_id: str, name: str, trace: Trace = Trace.LOGGED) -> None:
    """Remove one object."""
    objects.remove(world, world.mount(apple_id, path_id), [name], trace=trace)


@router.post(_CALENDAR + "/objects/{name:path}/move")
async def move_object(world: TheWorld, apple_id: str, path_id: str, name: str, destination: Destination) -> Stored:
    """Move an object to another calendar of the account."""
    mount, to = world.mount(apple_id, path_id), world.mount(apple_id, destination.to)
    etag = objects.move(world, mount, name, to=to)
    return Stored(href=to.path + name, etag=etag)


@router.post(_CALENDAR + "/events", status_code=201)
async def add_event(world: TheWorld, apple_id: str, path_id: str, wish: EventWish) -> Stored:
    """Add an event as the iPhone writes it."""
    mount = world.mount(apple_id, path_id)
    event = event_of(wish, me=world.account(apple_id).apple_id)
    return _write(world, mount, f"{event.uid}.ics", apple_text(event, world.clock.moment()))


@router.patch(_CALENDAR + "/objects/{name:path}")
async def change_event(world: TheWorld, apple_id: str, path_id: str, name: str, change: EventChange) -> Stored:
    """Change an event as the user does on the iPhone; of a series, all of it."""
    mount = world.mount(apple_id, path_id)
    me = world.account(apple_id).apple_id
    try:
        text = edits.edited(_text(mount, name), changes_of(change, me=me), world.clock.moment())
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return _write(world, mount, name, text)


@router.post(_CALENDAR + "/objects/{name:path}/split")
async def split_series(world: TheWorld, apple_id: str, path_id: str, name: str, split: Split) -> list[Stored]:
    """Change "this and all following": two objects from now on. Answers the future one first."""
    mount = world.mount(apple_id, path_id)
    try:
        past, future = edits.split(_text(mount, name), split.at, world.clock.moment(), original=split.original)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    names = [name, objects.new_name()] if split.original is Side.FUTURE else [objects.new_name(), name]
    etags = objects.write(world, mount, zip(names, (future, past), strict=True))
    return [Stored(href=mount.path + where, etag=etag) for where, etag in zip(names, etags, strict=True)]
