"""What was measured, ours and theirs."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from time import process_time
from typing import Any

from benchmarks.lib.worker_world import CALENDAR, World
from caldav.davclient import DAVClient
from rich.table import Table

from icloud_simulator.client import SimulatedAccount


def tell(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


@dataclass(slots=True)
class Results:
    """Rows, and which goals were missed."""

    tables: list[Table] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def table(self, title: str, goals: str, *columns: str) -> Table:
        self.tables.append(Table(*columns, title=title, caption=f"goals: {goals}"))
        return self.tables[-1]

    def hold(self, what: str, figure: float, most: float) -> None:
        if figure > most:
            self.missed.append(f"{what}: {figure:,.2f}, the goal is at most {most:,g}")


def shown(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 or figure == int(figure) else f"{figure:.2f}"


@dataclass(frozen=True, slots=True)
class Spent:
    """What some work cost."""

    requests: float
    cpu_ms: float

    def __str__(self) -> str:
        return f"{shown(self.requests)} requests, {self.cpu_ms:,.0f} ms"


class PythonCaldav:
    """Somebody who keeps a calendar with python-caldav's collections. It blocks, and is measured alone."""

    def __init__(self, world: World, owner: SimulatedAccount) -> None:
        client = DAVClient(url=world.servers.apple_url, username=owner.apple_id, password=owner.app_password)
        calendars = client.principal().calendars()  # type: ignore[no-untyped-call]  # theirs
        self._calendar = next(one for one in calendars if str(one.url).rstrip("/").endswith(CALENDAR))
        self._world = world
        self._kept: Any = None

    def take_in(self) -> Spent:
        def work() -> None:
            self._kept = self._calendar.objects_by_sync_token(load_objects=True)

        return self._spent(work)

    def sync(self) -> Spent:
        return self._spent(self._kept.sync)

    def _spent(self, work: Callable[[], object]) -> Spent:
        self._world.admin.forget_requests()
        cpu = process_time()
        work()
        return Spent(self._world.traffic()[0], 1e3 * (process_time() - cpu))
