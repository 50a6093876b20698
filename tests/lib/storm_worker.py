"""A sync-worker that dies, freezes or errs where its orders say: `python -m storm_worker` in `sync_worker`'s place.

The real one is put together; what its passes call is wrapped. Production knows nothing of this.
"""
# ruff: noqa: ANN401 - it stands before neighbours of any kind

import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any, Final

from contracts.events import ICloudEventImported, ICloudEventRemoved
from icloud import Account, CalendarObject, Changes, Missing, calendar_id
from storm_orders import Deed, Order, Orders
from sync_worker import app
from sync_worker.application.publish_states import Ended
from sync_worker.outbound.icloud import ICloudAccounts
from sync_worker.outbound.kafka import KafkaEvents
from sync_worker.outbound.mongo import MongoObjects, MongoPasses

_SAFE_AFTER_A_FREEZE_SECONDS: Final = 10.0
"""Who dies between saying something old and marking it leaves it said last: a known limit, and not what is tested."""
_EVENTS: Final = (ICloudEventImported, ICloudEventRemoved, Ended)


class Worker:
    """What this process is told, and how far it is on the way there."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._order: Order | None = None
        self._left = 0
        self._safe_until = 0.0
        self.store: MongoPasses | None = None
        self.erred = False
        self.busy: set[tuple[str, int]] = set()
        """Passes that have kept something new, by connection and fence."""

    def now(self) -> datetime:
        """By this process's own clock."""
        wrong_by = self._order.clock_skew_seconds if self._order else 0
        return datetime.now(UTC) + timedelta(seconds=wrong_by)

    @property
    def errs(self) -> bool:
        return self._order is not None and self._order.token_first

    def look_for_orders(self) -> None:
        if self._orders.calm:
            self._order = None
        elif self._order is None and time.monotonic() >= self._safe_until:
            self._order = self._orders.take()
            self._left = self._order.nth if self._order else 0

    def at(self, point: str) -> None:
        """Suffer, if this is the moment."""
        if self.reaches(point):
            self.suffer()

    def reaches(self, point: str) -> bool:
        self.look_for_orders()
        if self._order is None or self._order.point != point or (self.errs and not self.erred):
            return False
        self._left -= 1
        return self._left <= 0

    def suffer(self) -> None:
        order, self._order = self._order, None
        if order is not None:
            self._orders.done(order, os.getpid())
            os.kill(os.getpid(), signal.SIGKILL if order.deed is Deed.DIE else signal.SIGSTOP)
            self._safe_until = time.monotonic() + _SAFE_AFTER_A_FREEZE_SECONDS

    def committed(self, connection_id: str, fence: int) -> None:
        self._orders.committed(connection_id, fence)


def wrap(worker: Worker) -> None:
    """Put the points around what passes call, and the wrong clock in the right one's place."""
    _around(Account, "objects", partial(_fetching, worker))
    _around(MongoObjects, "write", partial(_writing, worker))
    _around(MongoObjects, "mark", partial(_marking, worker))
    _around(KafkaEvents, "publish", partial(_publishing, worker))
    _around(MongoPasses, "__init__", partial(_made, worker))
    _around(MongoPasses, "remember", partial(_remembering, worker))
    _around(MongoPasses, "end", partial(_ending, worker))
    _around(ICloudAccounts, "open", partial(_opening, worker))
    app.system_clock = worker.now  # type: ignore[attr-defined]  # what `app` imports is what it hands out


def _around(owner: type, name: str, wrapper: Callable[[Any], Any]) -> None:
    call = getattr(owner, name)
    setattr(owner, name, wraps(call)(wrapper(call)))


def _fetching(worker: Worker, call: Any) -> Any:
    async def objects(account: Any, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
        async for one in call(account, path, hrefs):
            yield one
        if hrefs:
            worker.at("fetched")

    return objects


def _writing(worker: Worker, call: Any) -> Any:
    async def write(objects: Any, claim: Any, writes: Any) -> None:
        await call(objects, claim, writes)
        worker.busy.add((claim.connection_id, claim.fence))
        worker.at("persisted")

    return write


def _publishing(worker: Worker, call: Any) -> Any:
    async def publish(events: Any, said: Sequence[Any]) -> None:
        if not any(isinstance(one, _EVENTS) for one in said):
            await call(events, said)
            return
        worker.at("before produce")
        if len(said) > 1 and worker.reaches("half produced"):
            await call(events, said[: len(said) // 2])
            worker.suffer()
        await call(events, said)
        worker.at("produced")

    return publish


def _marking(worker: Worker, call: Any) -> Any:
    async def mark(objects: Any, claim: Any, published: Any) -> Any:
        overtaken = await call(objects, claim, published)
        worker.at("marked")
        return overtaken

    return mark


def _remembering(worker: Worker, call: Any) -> Any:
    async def remember(passes: Any, claim: Any, one: str, tracked: Any) -> None:
        busy = (claim.connection_id, claim.fence) in worker.busy
        if busy:
            worker.at("before token")
        await call(passes, claim, one, tracked)
        if busy:
            worker.at("token stored")

    return remember


def _ending(worker: Worker, call: Any) -> Any:
    async def end(passes: Any, claim: Any, ending: Any) -> None:
        this = (claim.connection_id, claim.fence)
        if this in worker.busy:
            worker.at("before end")
        await call(passes, claim, ending)
        worker.committed(*this)
        worker.busy.discard(this)
        worker.look_for_orders()

    return end


def _made(worker: Worker, call: Any) -> Any:
    def init(passes: Any, *arguments: Any, **named: Any) -> None:
        call(passes, *arguments, **named)
        worker.store = passes

    return init


def _opening(worker: Worker, call: Any) -> Any:
    async def open_(accounts: Any, claim: Any) -> Any:
        account = await call(accounts, claim)
        return _TokenFirst(account, claim, worker) if worker.errs else account

    return open_


class _TokenFirst:
    """An account whose calendars' tokens are remembered as soon as they are known: the mistake that loses changes."""

    def __init__(self, account: Any, claim: Any, worker: Worker) -> None:
        self._account = account
        self._claim = claim
        self._worker = worker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._account, name)

    async def changes(self, path: str, token: str) -> Changes:
        found: Changes = await self._account.changes(path, token)
        one = calendar_id(self._claim.connection_id, path)
        if self._worker.store is not None:
            early = replace(self._claim.calendars[one], token=found.token)
            await self._worker.store.remember(self._claim, one, early)
            self._worker.erred = True
        return found


def main() -> int:
    """As the worker's own."""
    wrap(Worker(Orders(Path(os.environ["STORM_ORDERS"]))))
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
