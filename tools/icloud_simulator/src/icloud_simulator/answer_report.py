"""REPORT: sync-collection, calendar-multiget, calendar-query, and what Apple does not do."""

from urllib.parse import unquote, urlsplit

from icloud_simulator.collection import Version
from icloud_simulator.exchange import Answer, Visit, empty, multistatus, page, refusal
from icloud_simulator.facts import Kind
from icloud_simulator.occurrences import times_of
from icloud_simulator.places import Place, What, place
from icloud_simulator.properties import collection_etag, described_mount, described_object
from icloud_simulator.state import Mount
from icloud_simulator.tokens import point_of
from icloud_simulator.xml_print import Item, encoded
from icloud_simulator.xml_read import (
    CALENDAR_DATA,
    DAV,
    GETETAG,
    Multiget,
    Names,
    OtherReport,
    Query,
    SyncCollection,
    report,
)

_TOO_MANY = f"{{{DAV}}}number-of-matches-within-limits"
_HREFS_AT_MOST = 5_000


def answer_report(visit: Visit, where: Place) -> Answer:
    """Answer REPORT. Raises BadRequest."""
    asked = report(visit.request.body)
    mount = visit.account.mounts.get(where.child)
    if where.what is not What.CHILD or mount is None:
        return empty(404 if where.what is What.CHILD else 403)
    if mount.kind in {Kind.SUBSCRIBED, Kind.OUTBOX, Kind.NOTIFICATION}:
        return refusal(403, f"{{{DAV}}}supported-report")
    if visit.faults.knobs.wrong_calendar:
        mount = _another(visit, mount)
    match asked:
        case SyncCollection():
            return _sync(visit, mount, asked)
        case Multiget():
            return _multiget(visit, mount, asked)
        case Query():
            return _query(visit, mount, asked)
        case OtherReport(name):
            return empty(501 if name == "free-busy-query" else 403)


def _another(visit: Visit, mount: Mount) -> Mount:
    others = (item for item in visit.account.mounts.values() if item.kind is Kind.CALENDAR and item is not mount)
    return next(others, mount)


def _sync(visit: Visit, mount: Mount, asked: SyncCollection) -> Answer:
    if asked.limited:
        return refusal(507, _TOO_MANY)
    since = _since(visit, mount, asked.token)
    if since is None:
        told = visit.faults.knobs.dead_tokens_told
        return refusal(403, f"{{{DAV}}}valid-sync-token" if told else None)
    visible = max(visit.listed(mount), since)
    names = tuple(name for name in asked.names if name != CALENDAR_DATA)
    collection = mount.collection
    if asked.token:
        changed = collection.changed_since(since, visible)
    else:
        changed = [name for name, _ in collection.objects(visible)]
    rest: tuple[Item, ...] = ()
    page_size = visit.faults.knobs.sync_page
    if page_size is not None and len(changed) > page_size:
        changed = sorted(changed, key=collection.last_change)[:page_size]
        visible = collection.last_change(changed[-1])
        rest = (Item(encoded(mount.path), status=507),)
    items = [_sync_item(mount, names, name, visible) for name in _sometimes_twice(visit, changed)]
    itself = Item(encoded(mount.path), tuple((name, collection_etag(mount)) for name in names if name == GETETAG))
    return multistatus((itself, *items, *rest), token=collection.token(visible))


def _since(visit: Visit, mount: Mount, token: str) -> int | None:
    """Return the revision that a token stands for, 0 for none; None: the token is dead or of another collection."""
    if not token:
        return 0
    point = point_of(token)
    if point is None or point.collection != mount.collection.cid:
        return None
    lifetime = visit.faults.knobs.token_lifetime_seconds
    alive = mount.collection.token_lives(point.revision, now=visit.world.clock.now(), lifetime=lifetime)
    return point.revision if alive else None


def _sync_item(mount: Mount, names: Names, name: str, visible: int) -> Item:
    version = mount.collection.current(name, visible)
    path = encoded(mount.path, name)
    return Item(path, status=404) if version is None else described_object(names, path, version, with_data=False)


def _sometimes_twice(visit: Visit, names: list[str]) -> list[str]:
    chance = visit.faults.knobs.duplicate_hrefs
    return [twice for name in names for twice in ([name, name] if visit.faults.hits(chance) else [name])]


def _multiget(visit: Visit, mount: Mount, asked: Multiget) -> Answer:
    if len(asked.hrefs) > _HREFS_AT_MOST:
        return refusal(403, _TOO_MANY)
    return multistatus(tuple(_got(visit, mount, href, asked.names) for href in asked.hrefs))


def _got(visit: Visit, mount: Mount, href: str, names: Names) -> Item:
    path = urlsplit(href).path
    where = place(path)
    folder, slash, name = path.rpartition("/")
    path = encoded(unquote(folder + slash), unquote(name))
    version = None
    if where is not None and where.what is What.OBJECT and (where.dsid, where.child) == (mount.dsid, mount.path_id):
        version = read(visit, mount, where.name)
    return Item(path, status=404) if version is None else described_object(names, path, version, with_data=True)


def read(visit: Visit, mount: Mount, name: str) -> Version | None:
    """Return an object as this visit gets to see it: late, stale or never, when the faults say so."""
    knobs = visit.faults.knobs
    if mount.path + name in knobs.gone_hrefs:
        return None
    if visit.faults.hits(knobs.stale_read) and (old := mount.collection.previous(name)) is not None:
        return old
    return mount.collection.current(name, visit.readable(mount))


def _query(visit: Visit, mount: Mount, asked: Query) -> Answer:
    if asked.component != "VEVENT" or mount.kind is Kind.REMINDERS:
        return page(500, "Internal Server Error")
    items = [described_mount(asked.names, visit.looks(mount), mount, shared=False)]
    # A filter on a property (UID above all) finds nothing at Apple's.
    found = () if asked.by_property else mount.collection.objects(visit.listed(mount))
    for name, version in found:
        if asked.window is None or times_of(version.text or "").in_range(asked.window):
            items.append(described_object(asked.names, encoded(mount.path, name), version, with_data=True))
    return multistatus(tuple(items))
