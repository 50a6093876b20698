"""Where storms can be: a stack whose processes do what they are ordered to suffer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apple_users import AppleUsers
from icloud_simulator.client import SimulatorAdmin
from local_stack.stack import LocalStack
from storm_keeper import LEASE_SECONDS
from storm_orders import Orders


@dataclass(frozen=True, slots=True)
class Sea:
    """A stack, and the hands on it."""

    stack: LocalStack
    apple: SimulatorAdmin
    users: AppleUsers
    orders: Orders

    @property
    def kafka(self) -> str:
        return self.stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def mongodb(self) -> str:
        return self.stack.env["CALSYNC_MONGODB_URL"]


@contextmanager
def sea(data: Path) -> Iterator[Sea]:
    """A stack of its own, gone at the end."""
    orders = data / "orders"
    env = {
        "CALSYNC_POLL_INTERVAL": "PT1S",
        "CALSYNC_POLL_MIN": "PT1S",
        "CALSYNC_POLL_MAX": "PT1S",
        "CALSYNC_LEASE": f"PT{LEASE_SECONDS:.0f}S",
        "CALSYNC_ICLOUD_REQUESTS_PER_SECOND": "1000",
        "CALSYNC_ICLOUD_REQUESTS_PER_ACCOUNT_PER_MINUTE": "10000",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH")))),
        "STORM_ORDERS": str(orders),
    }
    modules = {"sync-worker": "storm_worker", "availability": "storm_availability"}
    with (
        LocalStack(data / "stack", ports="auto", workers=2, env=env, modules=modules) as stack,
        SimulatorAdmin(stack.env["SIMULATOR_ADMIN_URL"]) as apple,
        AppleUsers(stack, apple) as users,
    ):
        yield Sea(stack, apple, users, Orders(orders))
