"""Every Deployment rolled and a pod of each deleted while people work and calendars change: nobody notices."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from icloud_simulator.client import SimulatorAdmin
from kubernetes_demo import cluster
from kubernetes_demo.people import Person, Platform
from local_stack.demo import StoryBroken, Teller

_SERVICES: Final = ("connector", "availability", "sync-worker")
_LOAD: Final = Path(__file__).with_name("load.py")
_IMAGE: Final = "calsync/preparation:dev"
_EVERY_SECONDS: Final = 2.0
_SEEN_SECONDS: Final = 120.0
_HOUR: Final = timedelta(hours=1)


def roll_under_load(platform: Platform, admin: SimulatorAdmin, teller: Teller) -> None:
    """Raises StoryBroken when a request fails or a change is lost."""
    readers = [platform.person(admin) for _ in range(2)]
    movers = [platform.person(admin) for _ in range(2)]
    for one in readers:
        one.connect()
        teller.demand(f"{one.user} is imported", one.is_fresh, within=_SEEN_SECONDS)
    with _load(readers, movers) as load, _changes(admin, readers) as changes:
        for service in _SERVICES:
            cluster.kubectl("rollout", "restart", f"deployment/{service}")
            cluster.wait_rolled_out([f"deployment/{service}"])
            teller.tell(f"{service} is rolled")
        for service in _SERVICES:
            pod = cluster.a_pod_of(service)
            cluster.kubectl("delete", "pod", pod)
            cluster.wait_rolled_out([f"deployment/{service}"])
            teller.tell(f"{pod} is deleted, another one stands in its place")
    teller.tell(f"Meanwhile answered: {load.answered}")
    if load.failed:
        raise StoryBroken(f"{len(load.failed)} requests failed: {load.failed[:5]}")
    teller.tell("No request failed")
    if changes.failed:
        raise StoryBroken(f"the simulator did not take a change: {changes.failed}")
    with platform.reached_again():
        for one, start in changes.made:
            if not one.waits_until_busy(start, _HOUR, seconds=_SEEN_SECONDS):
                raise StoryBroken(f"a change of {one.user} is lost: {start.isoformat()}")
    teller.tell(f"Each of the {len(changes.made)} events that were added meanwhile is known")


@dataclass
class Load:
    """What came of it; known at the end."""

    answered: dict[str, int]
    failed: list[str]


@contextmanager
def _load(readers: Sequence[Person], movers: Sequence[Person]) -> Iterator[Load]:
    said = {
        "connector": "http://connector",
        "availability": "http://availability",
        "readers": [{"token": one.token, "user": one.user} for one in readers],
        "movers": [
            {"token": one.token, "apple_id": one.apple.apple_id, "app_password": one.apple.app_password}
            for one in movers
        ],
    }
    cluster.secret("load", {"load.py": _LOAD.read_bytes(), "said.json": json.dumps(said).encode()})
    cluster.apply(_people_at_work())
    cluster.kubectl("wait", "--for=condition=Ready", "pod/load", "--timeout=120s")
    load = Load({}, [])
    yield load
    cluster.kubectl("exec", "load", "--", "touch", "/tmp/over")  # noqa: S108 - the pod's own
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/load", "--timeout=120s")
    counted = json.loads(cluster.kubectl("logs", "load"))
    load.answered, load.failed = counted["answered"], counted["failed"]


@dataclass
class Changes:
    """Events that were added, by whom and when."""

    made: list[tuple[Person, datetime]]
    failed: str = ""


@contextmanager
def _changes(admin: SimulatorAdmin, people: Sequence[Person]) -> Iterator[Changes]:
    """Somebody adds an event every other second."""
    changes, over = Changes([]), threading.Event()
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=30)

    def add() -> None:
        while not over.wait(_EVERY_SECONDS):
            one, start = people[len(changes.made) % len(people)], first + 2 * len(changes.made) * _HOUR
            try:
                admin.add_event(
                    one.apple.apple_id, "home", "Meanwhile", (_bare(start), _bare(start + _HOUR)), time_zone="UTC"
                )
            except Exception as error:  # noqa: BLE001 - told by whoever waits for this thread
                changes.failed = repr(error)
                return
            changes.made.append((one, start))

    thread = threading.Thread(target=add)
    thread.start()
    try:
        yield changes
    finally:
        over.set()
        thread.join()


def _bare(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _people_at_work() -> dict[str, Any]:
    closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "load",
        "image": _IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "/load/load.py"],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": closed,
        "volumeMounts": [
            {"name": "load", "mountPath": "/load", "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
        ],
    }
    spec = {
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "load", "secret": {"secretName": "load"}}, {"name": "scratch", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "load"}, "spec": spec}
