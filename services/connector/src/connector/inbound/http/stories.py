"""What the routes can ask for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request

from connector.application.change_setup import ChangeSetup
from connector.application.connect import Connect
from connector.application.disconnect import Disconnect
from connector.application.look_up import FindOwner, ListConnections, ShowConnection
from connector.application.reconnect import Reconnect
from connector.application.request_sync import RequestSync
from runtime.auth import Caller

CallerOf = Callable[[Request], Awaitable[Caller]]
"""Who asks; refuses those who may not manage calendars."""


@dataclass(frozen=True, slots=True)
class Stories:
    """What can be asked for, and what tells how old an answer is."""

    connect: Connect
    disconnect: Disconnect
    show: ShowConnection
    list: ListConnections
    owner_of: FindOwner
    change_setup: ChangeSetup
    reconnect: Reconnect
    request_sync: RequestSync
    clock: Callable[[], datetime]
    stale_after: timedelta
