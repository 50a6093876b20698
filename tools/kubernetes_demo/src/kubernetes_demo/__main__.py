"""`python -m kubernetes_demo [--load COMMAND] [--keda] [--keep]`; exit code 0 when all of it came true."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from icloud_simulator.client import SimulatorAdmin
from kubernetes_demo import cluster, images
from kubernetes_demo.autoscaling import scale_by_backlog
from kubernetes_demo.people import Platform
from kubernetes_demo.rolling import roll_under_load
from kubernetes_demo.secrets import make_secrets
from local_stack.demo import StoryBroken, Teller, story
from local_stack.errors import CannotGoOn


def main() -> int:
    """Tell it line by line; 0 when all of it came true, else 1 and the reason."""
    chosen, teller = _parser().parse_args(), Teller()
    try:
        with tempfile.TemporaryDirectory(prefix="calsync-") as folder:
            _tell(chosen, Platform(Path(folder)), Path(folder), teller)
    except (StoryBroken, CannotGoOn) as broken:
        teller.tell(f"The story ends badly: {broken}")
        return 1
    teller.tell("All of it came true.")
    return 0


def _tell(chosen: argparse.Namespace, platform: Platform, folder: Path, teller: Teller) -> None:
    teller.tell(f"Kubernetes {cluster.demand_cluster()}")
    if chosen.build:
        images.build()
        teller.tell("The images are built")
    if chosen.load:
        images.hand_over(chosen.load)
        teller.tell("The cluster has them")
    with _deployed(platform, folder, keep=chosen.keep, teller=teller), platform.reached():
        story(platform.stack, teller)
        with SimulatorAdmin(platform.stack.env["SIMULATOR_ADMIN_URL"]) as admin:
            roll_under_load(platform, admin, teller)
            if chosen.keda:
                scale_by_backlog(platform, admin, teller)
        teller.tell(f"Containers that were started anew by Kubernetes: {cluster.restarts() or 'none'}")


@contextmanager
def _deployed(platform: Platform, folder: Path, *, keep: bool, teller: Teller) -> Iterator[None]:
    cluster.make_namespace()
    try:
        make_secrets(platform.keys, folder)
        teller.tell("Namespace and Secrets are made")
        cluster.apply_overlay("dev")
        cluster.wait_rolled_out(["statefulset/mongodb", "statefulset/kafka"])
        teller.tell("MongoDB and Kafka are ready")
        cluster.kubectl("wait", "--for=condition=Complete", "job/kafka-setup", "--timeout=5m")
        teller.tell("Topics and rights are made")
        cluster.wait_rolled_out(
            [f"deployment/{one}" for one in ("simulator", "connector", "sync-worker", "availability", "prometheus")]
        )
        teller.tell("A simulated iCloud, connector, sync-worker and availability are ready")
        yield
    finally:
        if not keep:
            cluster.kubectl("delete", "namespace", cluster.NAMESPACE, "--wait=false")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("kubernetes_demo", description="The story in the cluster of KUBECONFIG.")
    parser.add_argument("--no-build", dest="build", action="store_false", help="the images are there")
    parser.add_argument("--load", metavar="COMMAND", help="gives images to the cluster: it is called with their names")
    parser.add_argument("--keda", action="store_true", help="a backlog, too; KEDA has to be in the cluster")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    return parser


if __name__ == "__main__":
    sys.exit(main())
