"""The platform around the services, as far as the demo plays it: who may call them, and by which addresses."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from kubernetes_demo.cluster import forwarded
from local_stack.crococlick import Crococlick
from local_stack.demo import StoryBroken
from local_stack.layout import Layout
from local_stack.ports import free_ports
from local_stack.stack import LocalStack
from local_stack.tokens import TokenKeys
from local_stack.waiting import wait_until

_TTL: Final = timedelta(hours=2)
_CALDAV_PORT: Final = 8090
"""The simulator names itself by this port, so it has to be the same on this machine."""
_ADMIN_PORT: Final = 8091


class Platform:
    """The cluster's services as others reach a local stack: addresses and the platform's keys, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._layout = Layout(folder)
        self._addresses: dict[str, str] = {}
        self._numbers = count(1)
        self.stack = LocalStack(folder)
        self.keys = TokenKeys(self._layout.keys)

    def person(self, admin: SimulatorAdmin) -> "Person":
        """Somebody new, in a CrocoClick account of their own, with an Apple account."""
        number = next(self._numbers)
        apple = admin.create_account(f"person.{number}@icloud.com")
        return Person(self.stack, apple, f"acc-{number}", f"usr-{number}")

    @contextmanager
    def reached(self) -> Iterator[None]:
        """The simulator and both services on ports of this machine."""
        with ExitStack() as stack:
            self._forward(stack, "SIMULATOR_URL", ("simulator", _CALDAV_PORT, "/"), _CALDAV_PORT)
            self._forward(stack, "SIMULATOR_ADMIN_URL", ("simulator", _ADMIN_PORT, "/v1/health"), *free_ports(1))
            stack.enter_context(self.reached_again())
            yield

    @contextmanager
    def reached_again(self) -> Iterator[None]:
        """Both services, by pods that are there now: a forward ends with the pod that it goes to."""
        with ExitStack() as stack:
            for service in ("connector", "availability"):
                self._forward(stack, f"{service.upper()}_URL", (service, 80, "/openapi.json"), *free_ports(1))
            yield

    def _forward(self, stack: ExitStack, name: str, there: tuple[str, int, str], local: int) -> None:
        service, port, path = there
        self._addresses[name] = stack.enter_context(forwarded(service, port, local=local, path=path))
        self._layout.env_file.write_text("".join(f"{key}={url}\n" for key, url in self._addresses.items()))


@dataclass(frozen=True, slots=True)
class Person:
    """Speaks to the services by the addresses that they have now."""

    stack: LocalStack
    apple: SimulatedAccount
    account: str
    user: str

    @property
    def token(self) -> str:
        return self.stack.token(self.account, self.user, ttl=_TTL)

    def connect(self) -> None:
        with self._crococlick() as crococlick:
            answer = crococlick.connect(self.apple.apple_id, self.apple.app_password)
        if answer.is_error:
            raise StoryBroken(f"{self.user} cannot connect: {answer.status_code} {answer.text}")

    def is_fresh(self) -> bool:
        now = datetime.now(UTC)
        with self._crococlick() as crococlick:
            return bool(crococlick.busy(now, now + timedelta(hours=1))["state"] == "fresh")

    def waits_until_busy(self, start: datetime, length: timedelta, *, seconds: float) -> bool:
        with self._crococlick() as crococlick:
            return wait_until(lambda: bool(crococlick.busy(start, start + length)["busy"]), seconds=seconds)

    def _crococlick(self) -> Crococlick:
        return Crococlick(self.stack, account=self.account, user=self.user)
