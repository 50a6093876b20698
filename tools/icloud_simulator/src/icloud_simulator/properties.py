"""Property values of each kind of resource, as XML content. What is not there is None and ends in a 404 propstat."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate

from icloud_simulator.collection import Version
from icloud_simulator.facts import Access, Kind
from icloud_simulator.state import Account, Mount
from icloud_simulator.tokens import Point, etag, token
from icloud_simulator.xml_print import Item, component_set, encoded, href, text
from icloud_simulator.xml_read import CALDAV, CS, DAV, ICAL, Names

D, C, S, I = f"{{{DAV}}}", f"{{{CALDAV}}}", f"{{{CS}}}", f"{{{ICAL}}}"  # noqa: E741 - four namespaces, four letters

_READ = ("read", f"{C}read-free-busy", "read-current-user-privilege-set")
_WRITE = ("write", "write-properties", "write-content", "bind", "unbind")
_REPORTS = (f"{D}sync-collection", f"{C}calendar-query", f"{C}calendar-multiget", f"{D}expand-property")


@dataclass(frozen=True, slots=True)
class Looks:
    """Whose listing it is and how it looks, beside what is stored."""

    account: Account
    base: str  # where the account lives: scheme, host, port
    visible: Mapping[str, int]  # cid: the revision that a lagging listing still shows
    subscribed_as_calendar: bool = False
    with_ctag: bool = True

    def seen(self, mount: Mount) -> int:
        """Return the revision of a collection that this listing shows."""
        return self.visible.get(mount.collection.cid, mount.collection.revision)


Values = Mapping[str, Callable[[Looks], str | None]]
MountValues = Mapping[str, Callable[[Looks, Mount], str | None]]


def base_with_port(base: str) -> str:
    """Write the default port out, as Apple's home-set does (`https://p42-caldav.icloud.com:443`)."""
    scheme, _, host = base.partition("://")
    if ":" in host.rpartition("]")[2]:
        return base
    return f"{base}:{443 if scheme == 'https' else 80}"


def privileges(names: tuple[str, ...]) -> str:
    """Write a privilege set's content."""
    return "".join(f"<privilege>{_tag(name)}</privilege>" for name in names)


def _tag(name: str) -> str:
    if not name.startswith("{"):
        return f"<{name}/>"
    namespace, _, local = name[1:].rpartition("}")
    return f'<{local} xmlns="{namespace}"/>'


def _addresses(looks: Looks) -> str:
    account = looks.account
    mails = (account.apple_id, *account.aliases)
    first = f'<href xmlns="{DAV}" preferred="1">mailto:{text(mails[0])}</href>'
    return first + "".join(href(f"mailto:{mail}") for mail in mails[1:]) + href(account.principal)


def _home_token(looks: Looks) -> str:
    account = looks.account
    seen = sum(looks.seen(mount) for mount in account.mounts.values())
    return token(Point(f"{int(account.dsid):032x}", account.layout + seen), 0)


def _resourcetype(looks: Looks, mount: Mount) -> str:
    types = {
        Kind.INBOX: f"{C}schedule-inbox",
        Kind.OUTBOX: f"{C}schedule-outbox",
        Kind.NOTIFICATION: f"{S}notification",
        Kind.SUBSCRIBED: f"{S}subscribed",
    }
    names = ["collection", types.get(mount.kind, f"{C}calendar")]
    if mount.kind is Kind.SUBSCRIBED and looks.subscribed_as_calendar:
        names.append(f"{C}calendar")
    if mount.access is not Access.OWNER:
        names.append(f"{S}shared")
    return "".join(map(_tag, names))


def _components(_: Looks, mount: Mount) -> str | None:
    if mount.kind is Kind.NOTIFICATION or mount.access is not Access.OWNER:
        return None
    names = {Kind.REMINDERS: ("VTODO",), Kind.OUTBOX: ("VEVENT", "VTODO")}
    return component_set(names.get(mount.kind, ("VEVENT",)))


def _privileges(_: Looks, mount: Mount) -> str:
    if mount.kind is Kind.INBOX:
        return privileges((*_READ, "unbind", f"{C}schedule-deliver"))
    if mount.kind is Kind.OUTBOX:
        return privileges((*_READ, f"{C}schedule-send"))
    if mount.kind is Kind.NOTIFICATION:
        return privileges(("read", "unbind"))
    return privileges(_READ + _WRITE if mount.writable else _READ)


def _token(looks: Looks, mount: Mount) -> str | None:
    return None if mount.kind is Kind.OUTBOX else mount.collection.token(looks.seen(mount))


def _ctag(looks: Looks, mount: Mount) -> str | None:
    return _token(looks, mount) if looks.with_ctag else None


def _is_list(mount: Mount) -> bool:
    return mount.kind in {Kind.CALENDAR, Kind.REMINDERS, Kind.SUBSCRIBED}


def collection_etag(mount: Mount) -> str:
    """Return the ETag that a collection has itself in listings."""
    return etag(mount.collection.stamp or int(mount.collection.made * 1000))


def _for_child(value: Callable[[Looks], str | None]) -> Callable[[Looks, Mount], str | None]:
    return lambda looks, _: value(looks)


_PERSON: Values = {
    f"{D}current-user-principal": lambda looks: href(looks.account.principal),
    f"{D}owner": lambda looks: href(looks.account.principal),
    f"{D}principal-URL": lambda looks: href(looks.account.principal),
}
ROOT: Values = {**_PERSON, f"{D}resourcetype": lambda _: "<collection/>"}
PRINCIPAL: Values = {
    **_PERSON,
    f"{D}resourcetype": lambda _: "<collection/><principal/>",
    f"{D}displayname": lambda looks: text(looks.account.name),
    f"{C}calendar-home-set": lambda looks: href(f"{base_with_port(looks.base)}{looks.account.home}"),
    f"{C}calendar-user-address-set": _addresses,
    f"{C}schedule-inbox-URL": lambda looks: href(f"{looks.account.home}inbox/"),
    f"{C}schedule-outbox-URL": lambda looks: href(f"{looks.account.home}outbox/"),
    f"{S}email-address-set": lambda looks: (
        f'<email-address xmlns="{CS}">{text(looks.account.apple_id)}</email-address>'
    ),
}
HOME: Values = {
    **_PERSON,
    f"{D}displayname": lambda looks: text(looks.account.name),
    f"{D}resourcetype": lambda _: "<collection/>",
    f"{C}supported-calendar-component-set": lambda _: component_set(("VEVENT", "VTODO", "VFREEBUSY")),
    f"{D}current-user-privilege-set": lambda _: privileges(_READ + _WRITE),
    f"{S}getctag": _home_token,
    f"{D}sync-token": _home_token,
    f"{D}quota-available-bytes": lambda _: "1073741824",
}
CHILD: MountValues = {
    **{name: _for_child(value) for name, value in _PERSON.items()},
    f"{D}displayname": lambda _, mount: text(mount.name) if _is_list(mount) else None,
    f"{D}resourcetype": _resourcetype,
    f"{C}supported-calendar-component-set": _components,
    f"{D}current-user-privilege-set": _privileges,
    f"{S}getctag": _ctag,
    f"{D}sync-token": _token,
    f"{D}getetag": lambda _, mount: text(collection_etag(mount)),
    f"{I}calendar-color": lambda _, mount: text(mount.color) if mount.color and _is_list(mount) else None,
    f"{S}source": lambda _, mount: href(mount.source) if mount.source else None,
    f"{C}schedule-calendar-transp": lambda _, mount: _tag(f"{C}opaque") if _is_list(mount) else None,
    f"{C}max-resource-size": lambda _, mount: "20971520" if _is_list(mount) else None,
    f"{D}supported-report-set": lambda _, mount: "".join(
        f"<supported-report><report>{_tag(name)}</report></supported-report>" for name in _REPORTS if _is_list(mount)
    ),
}


def described(path: str, names: Names, values: Values, looks: Looks) -> Item:
    """Sort the asked names of the root, the principal or the home into found and missing."""
    return _sorted(encoded(path), names, {name: values[name](looks) for name in names if name in values})


def described_mount(names: Names, looks: Looks, mount: Mount, *, shared: bool) -> Item:
    """Sort the asked names of a child of the home. `shared`: other people see it too."""
    held = {name: CHILD[name](looks, mount) for name in names if name in CHILD}
    kind = held.get(f"{D}resourcetype")
    if kind is not None and shared and mount.access is Access.OWNER:
        held[f"{D}resourcetype"] = kind + _tag(f"{S}shared-owner")
    return _sorted(encoded(mount.path), names, held)


def described_object(names: Names, path: str, version: Version, *, with_data: bool) -> Item:
    """Sort the asked names of an object by its encoded path. Only reports give calendar-data away."""
    body = version.text or ""
    held: dict[str, str | None] = {
        f"{D}getetag": version.etag,
        f"{D}getcontenttype": "text/calendar; charset=utf-8",
        f"{D}getcontentlength": str(len(body.encode())) if f"{D}getcontentlength" in names else None,
        f"{D}getlastmodified": formatdate(version.at, usegmt=True),
        f"{C}calendar-data": text(body) if with_data and f"{C}calendar-data" in names else None,
    }
    if f"{D}resourcetype" in names:
        held[f"{D}resourcetype"] = ""
    return _sorted(path, names, held)


def _sorted(path: str, names: Names, held: Mapping[str, str | None]) -> Item:
    found = tuple((name, value) for name in names if (value := held.get(name)) is not None)
    return Item(path, found, tuple(name for name in names if held.get(name) is None))


def location(base: str, path: str) -> str:
    """Write an absolute URL of an encoded path."""
    return f"{base}{path}"
