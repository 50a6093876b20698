"""`make demo-containers`: the story of `make demo` in containers, with three workers and one of each service killed.

`python -m local_stack.containers_demo`; exit code 0 when all of it came true. Nothing is left: containers and volumes
go, on success and on failure.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from local_stack.checkout import CHECKOUT
from local_stack.containers_compose import Composed, demand_engine
from local_stack.containers_secrecy import demand_connector_holds_no_private_key
from local_stack.demo import POLL_SECONDS, StoryBroken, Teller, story
from local_stack.errors import CannotGoOn
from local_stack.foreground import interrupted_once
from local_stack.layout import Layout
from local_stack.ports import HOST, free_ports
from local_stack.services import answers_ok
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

WORKERS: Final = 3
_PROJECT: Final = "calsync-demo"
_BACK_SECONDS: Final = 120.0
# What is killed when this has been told; who serves HTTP is waited for, the workers take over from each other.
_KILLS: Final[Mapping[str, str]] = {
    "On the iPhone an event is added": "sync-worker",
    "On the iPhone it is moved to the next day": "availability",
    "A customer books an hour; it is taken at once": "connector",
}
_PORTS: Final = ("connector", "availability", "simulator", "simulator admin", "prometheus")


class Saboteur(Teller):
    """Tells the story, and kills a service where it hurts."""

    def __init__(self, containers: Composed, addresses: Mapping[str, str]) -> None:
        super().__init__()
        self._containers = containers
        self.addresses = addresses
        self._left = dict(_KILLS)

    def tell(self, line: str) -> None:
        super().tell(line)
        if service := self._left.pop(line, None):
            self._containers.kill(service)
            super().tell(f"    {service} is killed (SIGKILL)")
            self._await(service)

    def demand_all_killed(self) -> None:
        """Raise StoryBroken unless each was killed, and started again by the engine."""
        for service in _KILLS.values():
            if service in self._left.values() or not self._containers.restarts(service):
                raise StoryBroken(f"{service} was not killed and started again")

    def _await(self, service: str) -> None:
        address = self.addresses.get(f"{service.upper()}_URL")
        if address is not None and not wait_until(answers_ok(f"{address}/openapi.json"), seconds=_BACK_SECONDS):
            raise StoryBroken(f"{service} did not come back within {_BACK_SECONDS:.0f} s")


def main() -> int:
    """Tell the story; 0 when all of it came true, else 1, the reason and the logs' ends."""
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    containers = Composed(_PROJECT, _settings(ports))
    teller = Saboteur(containers, _addresses(ports))
    try:
        with interrupted_once(), _stack(containers, teller) as stack:
            demand_connector_holds_no_private_key(containers)
            teller.tell("The connector's files, environment and mounts hold no private key of the vault")
            story(stack, teller)
            teller.demand_all_killed()
    except (StoryBroken, CannotGoOn) as broken:
        teller.tell(f"The story ends badly: {broken}")
        return 1
    except KeyboardInterrupt:
        teller.tell("Interrupted")
        return 1
    teller.tell("All of it came true, and nothing of it is left.")
    return 0


@contextmanager
def _stack(containers: Composed, teller: Saboteur) -> Iterator[LocalStack]:
    demand_engine()
    folder = CHECKOUT / ".local" / "demo-containers"
    containers.down()
    try:
        containers.build()
        teller.tell("The images are built")
        containers.up(workers=WORKERS)
        teller.tell(
            f"MongoDB, Kafka, a simulated iCloud, connector, {WORKERS} sync-workers and availability are healthy"
        )
        yield _reached(containers, folder, teller.addresses)
    except (StoryBroken, CannotGoOn):
        print(containers.tail())
        raise
    finally:
        containers.down()
        shutil.rmtree(folder, ignore_errors=True)


def _settings(ports: Mapping[str, int]) -> dict[str, str]:
    named = {f"CALSYNC_{name.upper().replace(' ', '_')}_PORT": str(port) for name, port in ports.items()}
    revision = subprocess.run(["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"], capture_output=True, check=False)
    known = {"CALSYNC_REVISION": revision.stdout.decode().strip()} if revision.returncode == 0 else {}
    # Images of its own name: those of a system that runs beside it stay as they are.
    own = {"CALSYNC_VERSION": "demo", "CALSYNC_POLL_INTERVAL": f"PT{POLL_SECONDS}S", "CALSYNC_LEASE": "PT5S"}
    return named | known | own


def _addresses(ports: Mapping[str, int]) -> dict[str, str]:
    served = ("connector", "availability", "simulator", "simulator admin")
    return {f"{name.upper().replace(' ', '_')}_URL": f"http://{HOST}:{ports[name]}" for name in served}


def _reached(containers: Composed, folder: Path, addresses: Mapping[str, str]) -> LocalStack:
    """The containers as the story reaches a stack: addresses and the platform's keys, in a folder."""
    layout = Layout(folder)
    layout.keys.mkdir(parents=True, exist_ok=True)
    containers.run("cp", "secrets:/keys/platform/.", str(layout.keys))
    layout.env_file.write_text("".join(f"{name}={url}\n" for name, url in addresses.items()))
    return LocalStack(folder)


if __name__ == "__main__":
    sys.exit(main())
