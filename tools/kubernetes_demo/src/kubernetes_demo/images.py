"""The images of overlays/dev, built from this checkout, and handed to the cluster."""

import shlex
import subprocess
from typing import Final

from local_stack.checkout import CHECKOUT
from local_stack.errors import CannotGoOn

SERVERS: Final = ("mongo:8.0", "apache/kafka:4.1.1", "prom/prometheus:v2.53.3")
_BUILDS: Final = {
    "calsync/connector:dev": ("service", "--build-arg", "SERVICE=connector"),
    "calsync/sync-worker:dev": ("service", "--build-arg", "SERVICE=sync-worker"),
    "calsync/availability:dev": ("service", "--build-arg", "SERVICE=availability"),
    "calsync/simulator:dev": ("simulator",),
    "calsync/preparation:dev": ("preparation",),
}


def build() -> None:
    """Raises CannotGoOn with the builder's last words."""
    for image, (target, *arguments) in _BUILDS.items():
        _run(["docker", "build", "--quiet", "--tag", image, "--target", target, *arguments, str(CHECKOUT)])


def hand_over(command: str) -> None:
    """Call the cluster's own command with the names of all images, such as `kind load docker-image`."""
    _run([*shlex.split(command), *_BUILDS, *SERVERS])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotGoOn(f"{command[0]} is needed") from None
    if done.returncode:
        raise CannotGoOn(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-2000:]}")
