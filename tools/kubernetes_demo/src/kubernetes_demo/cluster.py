"""The cluster of `KUBECONFIG`, by kubectl."""

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from local_stack.checkout import CHECKOUT
from local_stack.errors import CannotGoOn
from local_stack.waiting import wait_until

NAMESPACE: Final = "calsync-dev"
_OVERLAYS: Final = CHECKOUT / "deploy/k8s/overlays"
_FORWARD_SECONDS: Final = 20.0


def kubectl(*arguments: str, given: str | None = None) -> str:
    """What kubectl prints. Raises CannotGoOn with what it complains about."""
    command = ["kubectl", "--namespace", NAMESPACE, *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotGoOn("kubectl is needed: https://kubernetes.io/docs/tasks/tools") from None
    if done.returncode:
        raise CannotGoOn(f"kubectl {' '.join(arguments[:3])} failed: {done.stderr.strip()}")
    return done.stdout


def demand_cluster() -> str:
    """Its version. Raises CannotGoOn where there is none, or where the demo's namespace is in use."""
    version = json.loads(kubectl("version", "--output", "json"))["serverVersion"]["gitVersion"]
    if kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "--output", "name"):
        raise CannotGoOn(
            f"There is a namespace {NAMESPACE} already. Remove it first: kubectl delete namespace {NAMESPACE}"
        )
    return str(version)


def apply(resource: Mapping[str, Any]) -> None:
    """Make a resource, or change it."""
    # On the server's side: kubectl alone would keep a copy of each Secret in an annotation.
    kubectl("apply", "--server-side", "--filename", "-", given=json.dumps(resource))


def make_namespace() -> None:
    """As the overlay has it, before the overlay: the Secrets come first."""
    kubectl("apply", "--server-side", "--filename", str(_OVERLAYS / "dev/namespace.yaml"))


def apply_overlay(name: str) -> None:
    """Make all of deploy/k8s/overlays/NAME."""
    kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(_OVERLAYS / name))


def secret(name: str, files: Mapping[str, bytes]) -> None:
    """As `kubectl create secret generic NAME --from-file=KEY=…`."""
    data = {key: base64.b64encode(content).decode() for key, content in files.items()}
    apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})


def config_map(name: str, files: Mapping[str, Path]) -> None:
    """As `kubectl create configmap NAME --from-file=KEY=…`."""
    data = {key: file.read_text() for key, file in files.items()}
    apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def wait_rolled_out(workloads: Sequence[str], *, minutes: int = 5) -> None:
    """Return when all their pods are ready, of the newest version, and no others are left. Raises CannotGoOn."""
    for one in workloads:
        kubectl("rollout", "status", one, f"--timeout={minutes}m")


def ready_replicas(deployment: str) -> int:
    """How many of its pods are ready."""
    status = json.loads(kubectl("get", "deployment", deployment, "--output", "json"))["status"]
    return int(status.get("readyReplicas", 0))


def is_measured(scaled_object: str) -> bool:
    """Whether KEDA was answered when it asked last; unanswered it makes a number up that stands for its fallback."""
    status = json.loads(kubectl("get", "scaledobject", scaled_object, "--output", "json")).get("status", {})
    told = [one["status"] for one in status.get("health", {}).values()]
    return bool(told) and set(told) == {"Happy"}


def a_pod_of(service: str) -> str:
    """The name of one that runs."""
    found = json.loads(kubectl("get", "pods", "--selector", f"app.kubernetes.io/name={service}", "--output", "json"))
    running = [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]
    return str(running[0]["metadata"]["name"])


def restarts() -> dict[str, int]:
    """How often a container of a pod that is there now was started anew, by pod; those that never were are left out."""
    found = json.loads(kubectl("get", "pods", "--output", "json"))["items"]
    counts = {
        pod["metadata"]["name"]: sum(c["restartCount"] for c in pod["status"].get("containerStatuses", ()))
        for pod in found
    }
    return {name: count for name, count in counts.items() if count}


@contextmanager
def forwarded(service: str, port: int, *, local: int, path: str) -> Iterator[str]:
    """A Service of the cluster on a port of this machine, once `path` answers; the URL."""
    command = ["kubectl", "--namespace", NAMESPACE, "port-forward", f"service/{service}", f"{local}:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    url = f"http://localhost:{local}"
    try:
        if not wait_until(lambda: _answers(url + path), seconds=_FORWARD_SECONDS):
            process.terminate()
            raise CannotGoOn(f"{service} is not to be had on port {local}: {process.communicate()[1].strip()}")
        yield url
    finally:
        process.terminate()
        process.communicate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code < httpx.codes.INTERNAL_SERVER_ERROR
    except httpx.TransportError:
        return False
