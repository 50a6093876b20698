"""PROPFIND: discovery, the home listing that idle polls live on, single resources."""

from icloud_simulator.calendars import mounts_of
from icloud_simulator.exchange import Answer, Visit, empty, multistatus, refusal
from icloud_simulator.places import Place, What
from icloud_simulator.properties import (
    HOME,
    PRINCIPAL,
    ROOT,
    Looks,
    described,
    described_mount,
    described_object,
)
from icloud_simulator.state import Mount
from icloud_simulator.xml_print import Item, encoded
from icloud_simulator.xml_read import CALDAV, CS, DAV, Names, propfind

# allprop fails at Apple's for those who look for resourcetype in it.
_ALLPROP = (f"{{{DAV}}}displayname", f"{{{DAV}}}getetag", f"{{{CS}}}getctag")
_HOME_SET = f"{{{CALDAV}}}calendar-home-set"
# A user has few devices, each of which always asks for the same names.
_LISTINGS_KEPT = 8


def answer_propfind(visit: Visit, place: Place) -> Answer:
    """Answer PROPFIND. Raises BadRequest."""
    names = propfind(visit.request.body).names
    depth = visit.request.headers.get("depth", "0")
    if depth not in {"0", "1"}:
        return refusal(403, f"{{{DAV}}}propfind-finite-depth")
    wanted = _ALLPROP if names is None else names
    match place.what:
        case What.HOME:
            return _home(visit, wanted, depth)
        case What.CHILD:
            return _child(visit, place, wanted, depth)
        case What.OBJECT:
            return _object(visit, place, wanted)
        case _:
            return multistatus((_person(visit, place, wanted),))


def _person(visit: Visit, place: Place, names: Names) -> Item:
    looks = visit.looks()
    if place.what is What.ROOT:
        return described("/", names, ROOT, looks)
    knobs = visit.faults.knobs
    path = "/principal/" if knobs.short_principal_href else visit.account.principal
    values = PRINCIPAL
    if not visit.account.calendar_enabled:
        values = {name: value for name, value in PRINCIPAL.items() if name != _HOME_SET}
    return described(path, names, values, looks)


def _home(visit: Visit, names: Names, depth: str) -> Answer:
    account = visit.account
    if not account.calendar_enabled:
        return empty(404)
    looks = visit.looks(*account.mounts.values())
    key = (names, depth, looks.base, looks.subscribed_as_calendar, looks.with_ctag)
    ready: Answer | None = None if looks.visible else account.answers.get(key)
    if ready is None:
        items = [described(account.home, names, HOME, looks)]
        if depth == "1":
            items += [_mount_item(visit, names, looks, mount) for mount in account.mounts.values()]
        ready = multistatus(tuple(items))
        if not looks.visible:
            if len(account.answers) >= _LISTINGS_KEPT:
                account.answers.clear()
            account.answers[key] = ready
    return ready


def _child(visit: Visit, place: Place, names: Names, depth: str) -> Answer:
    mount = visit.account.mounts.get(place.child)
    if mount is None:
        return empty(404)
    items = [_mount_item(visit, names, visit.looks(mount), mount)]
    if depth == "1":
        objects = mount.collection.objects(visit.listed(mount))
        items += [
            described_object(names, encoded(mount.path, name), version, with_data=False) for name, version in objects
        ]
    return multistatus(tuple(items))


def _mount_item(visit: Visit, names: Names, looks: Looks, mount: Mount) -> Item:
    return described_mount(names, looks, mount, shared=len(mounts_of(visit.world, mount)) > 1)


def _object(visit: Visit, place: Place, names: Names) -> Answer:
    mount = visit.account.mounts.get(place.child)
    version = None if mount is None else mount.collection.current(place.name, visit.readable(mount))
    if mount is None or version is None:
        return empty(404)
    return multistatus((described_object(names, encoded(mount.path, place.name), version, with_data=False),))
