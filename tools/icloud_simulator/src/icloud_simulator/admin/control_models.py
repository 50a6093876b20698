"""What the admin API tells of faults, requests, invitations and time."""

from typing import Literal

from icloud_simulator.admin.models import Shape
from icloud_simulator.faults import Knobs


class FaultsView(Shape):
    """Fault knobs: those that were set, and what holds together with those of all accounts."""

    set: dict[str, object]
    active: Knobs


class RequestView(Shape):
    """One request that came in."""

    number: int
    at: float
    account: str | None
    host: str
    method: str
    kind: str
    path: str
    status: int
    bytes_in: int
    bytes_out: int
    fault: str | None


class TotalView(Shape):
    """A sum over requests of one account, kind and status."""

    account: str | None
    kind: str
    status: int
    requests: int
    bytes_in: int
    bytes_out: int


class InvitationView(Shape):
    """What a real server would have mailed."""

    account: str
    href: str
    at: float
    method: str
    organizer: str
    attendees: tuple[str, ...]


class ClockView(Shape):
    """The simulated now."""

    now: float
    offset_seconds: float


class ClockMove(Shape):
    """Seconds ahead of the machine's clock."""

    offset_seconds: float


class Health(Shape):
    """Where the CalDAV side is."""

    status: Literal["ok"] = "ok"
    caldav_url: str
    accounts: int
