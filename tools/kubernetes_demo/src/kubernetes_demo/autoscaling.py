"""KEDA and a backlog: more workers while connections are overdue, fewer when they are not."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from icloud_simulator.client import SimulatorAdmin
from kubernetes_demo import cluster
from kubernetes_demo.people import Platform
from local_stack.demo import StoryBroken, Teller
from local_stack.errors import CannotGoOn

_WORKERS: Final = "sync-worker"
_CONNECTIONS: Final = 40
_SLOW_SECONDS: Final = 3.0
"""A worker reads four accounts at once here: with three seconds an answer it cannot keep up with forty."""
_UP_SECONDS: Final = 360.0
_DOWN_SECONDS: Final = 600.0


def scale_by_backlog(platform: Platform, admin: SimulatorAdmin, teller: Teller) -> None:
    """Raises StoryBroken unless the workers become more, and one again."""
    if not cluster.kubectl("get", "crd", "scaledobjects.keda.sh", "--ignore-not-found", "--output", "name"):
        raise CannotGoOn("KEDA is not in this cluster")
    cluster.apply_overlay("dev-autoscaled")
    cluster.wait_rolled_out([f"deployment/{_WORKERS}"])
    cluster.kubectl("wait", "--for=condition=Ready", f"scaledobject/{_WORKERS}", "--timeout=120s")
    teller.demand("KEDA is told how many are overdue", _is_measured, within=_UP_SECONDS)
    teller.demand("KEDA leaves one worker where nothing is overdue", lambda: _replicas() == 1, within=_DOWN_SECONDS)
    people = [platform.person(admin) for _ in range(_CONNECTIONS)]
    with platform.reached_again(), ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda one: one.connect(), people))
        teller.tell(f"{len(people)} people connect")
        admin.set_faults(latency_seconds=_SLOW_SECONDS)
        teller.tell(f"iCloud now takes {_SLOW_SECONDS:.0f} s for an answer")
        teller.demand("the workers become more", lambda: _is_measured() and _replicas() > 1, within=_UP_SECONDS)
        teller.demand("and more", lambda: _is_measured() and _replicas() > 2, within=_UP_SECONDS)  # noqa: PLR2004 - one, two, many
        admin.clear_faults()
        teller.tell("iCloud is quick again")
        teller.demand("one worker is left", lambda: _is_measured() and _replicas() == 1, within=_DOWN_SECONDS)
        if not all(threads.map(lambda one: one.is_fresh(), people)):
            raise StoryBroken("somebody's calendar is not known")
    teller.tell(f"All {len(people)} calendars are known")


def _replicas() -> int:
    return cluster.ready_replicas(_WORKERS)


def _is_measured() -> bool:
    return cluster.is_measured(_WORKERS)
