"""Calendars of an account."""

from fastapi import APIRouter

from icloud_simulator import calendars, objects
from icloud_simulator.admin.context import TheWorld
from icloud_simulator.admin.models import CalendarChange, CalendarView, CalendarWish, Names, Share
from icloud_simulator.calendars import NewCalendar
from icloud_simulator.facts import Kind, Trace
from icloud_simulator.state import Mount

router = APIRouter(prefix="/accounts/{apple_id}/calendars", tags=["calendars"])


def calendar_view(mount: Mount) -> CalendarView:
    """Show a calendar as it is."""
    return CalendarView(
        path_id=mount.path_id,
        path=mount.path,
        name=mount.name,
        kind=mount.kind,
        access=mount.access,
        color=mount.color,
        source=mount.source,
        ctag=mount.collection.token(),
        objects=sum(1 for _ in mount.collection.objects()),
    )


@router.get("")
async def list_calendars(world: TheWorld, apple_id: str) -> list[CalendarView]:
    """List calendars, reminders lists and subscriptions."""
    shown = {Kind.CALENDAR, Kind.REMINDERS, Kind.SUBSCRIBED}
    return [calendar_view(mount) for mount in world.account(apple_id).mounts.values() if mount.kind in shown]


@router.post("", status_code=201)
async def add_calendar(world: TheWorld, apple_id: str, wish: CalendarWish) -> CalendarView:
    """Add a calendar of any kind; one with an access other than `owner` comes from nobody in particular."""
    return calendar_view(calendars.add_calendar(world, apple_id, NewCalendar(**wish.model_dump())))


@router.patch("/{path_id}")
async def change_calendar(world: TheWorld, apple_id: str, path_id: str, change: CalendarChange) -> CalendarView:
    """Rename or recolour a calendar."""
    mount = world.mount(apple_id, path_id)
    return calendar_view(calendars.redecorate(world, mount, name=change.name, color=change.color))


@router.delete("/{path_id}", status_code=204)
async def remove_calendar(world: TheWorld, apple_id: str, path_id: str) -> None:
    """Remove a calendar; its owner's removal takes it from everybody."""
    calendars.remove_calendar(world, world.mount(apple_id, path_id))


@router.post("/{path_id}/shares", status_code=201)
async def share_calendar(world: TheWorld, apple_id: str, path_id: str, share: Share) -> CalendarView:
    """Let another account see a calendar: the same objects at a path of its own."""
    mount = world.mount(apple_id, path_id)
    return calendar_view(calendars.share_calendar(world, mount, guest=share.guest, access=share.access))


@router.delete("/{path_id}/shares/{guest}", status_code=204)
async def unshare_calendar(world: TheWorld, apple_id: str, path_id: str, guest: str) -> None:
    """Take a shared calendar away from an account."""
    calendars.unshare_calendar(world, world.mount(apple_id, path_id), guest=guest)


@router.post("/{path_id}/empty")
async def empty_calendar(world: TheWorld, apple_id: str, path_id: str, trace: Trace = Trace.LOGGED) -> int:
    """Remove every object at once; answers how many."""
    mount = world.mount(apple_id, path_id)
    names = [name for name, _ in mount.collection.objects()]
    objects.remove(world, mount, names, trace=trace)
    return len(names)


@router.post("/{path_id}/touch")
async def touch_objects(world: TheWorld, apple_id: str, path_id: str, chosen: Names) -> int:
    """Give objects new ETags and the same text; answers how many."""
    return objects.touch(world, world.mount(apple_id, path_id), chosen.names)


@router.post("/{path_id}/expire-tokens", status_code=204)
async def expire_tokens(world: TheWorld, apple_id: str, path_id: str) -> None:
    """Kill every sync-token handed out for a calendar."""
    objects.expire_tokens(world, world.mount(apple_id, path_id))
