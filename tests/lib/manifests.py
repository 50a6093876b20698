"""What the cluster is told: the overlays as kustomize built them, and questions about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
KUBERNETES: Final = ROOT / "deploy/k8s"
OVERLAYS: Final = tuple(sorted(one.name for one in (KUBERNETES / "overlays").iterdir()))
SERVICES: Final = ("availability", "connector", "sync-worker")
Json = dict[str, Any]
# PyYAML's own parser in C, where its wheel brings it: ten times as fast.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as some workload makes it."""

    workload: Json
    spec: Json

    @property
    def name(self) -> str:
        return str(self.workload["metadata"]["name"])

    @property
    def containers(self) -> list[Json]:
        """All of them, those that run first included."""
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    @property
    def main(self) -> Json:
        """The container that the workload is named after."""
        return next(one for one in self.spec["containers"] if one["name"] == self.name)

    @property
    def secrets(self) -> set[str]:
        """The names of all Secrets that any container can see."""
        mounted = {one["secret"]["secretName"] for one in self.spec.get("volumes", ()) if "secret" in one}
        told = [
            entry.get("valueFrom", {}).get("secretKeyRef") for one in self.containers for entry in one.get("env", ())
        ]
        whole = [source.get("secretRef") for one in self.containers for source in one.get("envFrom", ())]
        return mounted | {reference["name"] for reference in (*told, *whole) if reference}


def _by_hand() -> tuple[Json, ...]:
    files = sorted((KUBERNETES / "admin").glob("*.yaml"))
    return tuple(one for file in files for one in parsed(file.read_text()))


@cache
def rendered(overlay: str) -> tuple[Json, ...]:
    """Everything that an overlay makes."""
    return tuple(parsed((KUBERNETES / f"rendered/{overlay}.yaml").read_text()))


def parsed(text: str) -> list[Json]:
    return [one for one in yaml.load_all(text, _LOADER) if one]


APPLIED_BY_HAND: Final = _by_hand()
"""Everything in deploy/k8s/admin, which is in no overlay."""
BY_HAND: Final = tuple(Pod(one, one["spec"]) for one in APPLIED_BY_HAND if one["kind"] == "Pod")
"""The pods of it."""


def by_hand(kind: str) -> list[Json]:
    """What of this kind is applied by hand."""
    return [one for one in APPLIED_BY_HAND if one["kind"] == kind]


def of_kind(overlay: str, kind: str) -> list[Json]:
    return [one for one in rendered(overlay) if one["kind"] == kind]


def pods(overlay: str) -> Iterator[Pod]:
    for one in rendered(overlay):
        if one["kind"] in {"Deployment", "StatefulSet", "Job", "DaemonSet"}:
            yield Pod(one, one["spec"]["template"]["spec"])
        assert one["kind"] not in {"Pod", "CronJob", "ReplicaSet"}, "teach this function about it"


def pod(overlay: str, name: str) -> Pod:
    return next(one for one in pods(overlay) if one.name == name)


def environment(overlay: str, service: str) -> Mapping[str, str]:
    """What the service's container is told, ConfigMaps included."""
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(overlay, "ConfigMap")}
    container = pod(overlay, service).main
    told: dict[str, str] = {}
    for source in container["envFrom"]:
        told |= maps[source["configMapRef"]["name"]]
    return told | {one["name"]: one["value"] for one in container["env"]}


def digest_of_sources() -> str:
    """As deploy/k8s/render.sh writes it."""
    folders = ("base", "components", "overlays", "../grafana", "../kafka")
    files = sorted(
        f"{folder}/{file.relative_to(KUBERNETES / folder).as_posix()}"
        for folder in folders
        for file in (KUBERNETES / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )
    lines = (f"{sha256((KUBERNETES / file).read_bytes()).hexdigest()}  {file}\n" for file in files)
    return sha256("".join(lines).encode()).hexdigest()


def rights() -> list[list[str]]:
    """The rows of deploy/kafka/acls.txt: user, operation, kind of resource, name."""
    lines = (ROOT / "deploy/kafka/acls.txt").read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def not_restricted(one: Pod) -> list[str]:
    """Say what the Pod Security Standard "restricted" refuses in it. Defaults do not count: it has to be said."""
    spec, why = one.spec, []
    general = spec.get("securityContext", {})
    if not (general.get("runAsNonRoot") and general.get("runAsUser")):
        why.append("may run as root")
    if general.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        why.append("no seccomp profile")
    why += [f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    allowed = {"name", "secret", "configMap", "emptyDir", "projected", "persistentVolumeClaim"}
    why += [f"volume {volume['name']}" for volume in spec.get("volumes", ()) if not allowed.issuperset(volume)]
    for container in one.containers:
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            why.append(f"{container['name']} may gain privileges")
        if own.get("capabilities") != {"drop": ["ALL"]}:
            why.append(f"{container['name']} keeps capabilities")
        why += [f"{container['name']} opens {port}" for port in container.get("ports", ()) if "hostPort" in port]
    return why
