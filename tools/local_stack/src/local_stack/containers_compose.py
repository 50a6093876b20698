"""docker-compose.yml as a program drives it: one project, with ports and settings of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from local_stack.checkout import CHECKOUT
from local_stack.errors import CannotGoOn
from local_stack.waiting import wait_until

_READY_SECONDS: Final = 300.0
_TAIL_LINES: Final = 30
# The container's first process is its init: what it started is the service, whose end it takes for its own.
_KILL_SERVICE: Final = """
import os, signal
for one in filter(str.isdigit, os.listdir("/proc")):
    with open(f"/proc/{one}/stat") as stat:
        if stat.read().rpartition(")")[2].split()[1] == "1":
            os.kill(int(one), signal.SIGKILL)
"""


def demand_engine() -> None:
    """Raise CannotGoOn unless a container engine with compose answers."""
    asked = shutil.which("docker") and subprocess.run(["docker", "compose", "ls"], capture_output=True, check=False)
    if not asked or asked.returncode:
        msg = "No container engine with compose answers here. Install and start one: https://docs.docker.com/engine/"
        raise CannotGoOn(msg)


class Composed:
    """The containers of one project."""

    def __init__(self, project: str, env: Mapping[str, str]) -> None:
        self._base = ["docker", "compose", "--project-name", project, "--file", str(CHECKOUT / "docker-compose.yml")]
        self._env = {**os.environ, "COMPOSE_PROFILES": "simulator", **env}

    def build(self) -> None:
        """Raises CannotGoOn, with what the builder said."""
        self.run("build", "--quiet")

    def up(self, *, workers: int) -> None:
        """Return when every container that has a health check is healthy. Raises CannotGoOn."""
        self.run("up", "--detach", "--no-build", "--scale", f"sync-worker={workers}")
        if not wait_until(self._is_healthy, seconds=_READY_SECONDS):
            states = [f"{one['Name']} {one['State']['Status']}" for one in self.containers() if not _is_well(one)]
            msg = f"Not healthy after {_READY_SECONDS:.0f} s: {', '.join(states)}"
            raise CannotGoOn(msg)

    def down(self) -> None:
        """Take everything away, volumes too; nothing happens when nothing is there."""
        self.run("down", "--volumes", "--remove-orphans", "--timeout", "30")

    def kill(self, service: str) -> None:
        """SIGKILL the service's process in its first container, as a crash would: the engine starts it again."""
        self.run("exec", "-T", "--index", "1", service, "python", "-S", "-c", _KILL_SERVICE)

    def restarts(self, service: str) -> int:
        """How often the engine has started containers of a service again."""
        mine = [one for one in self.containers() if one["Config"]["Labels"]["com.docker.compose.service"] == service]
        return sum(int(one["RestartCount"]) for one in mine)

    def containers(self) -> list[dict[str, Any]]:
        """What the engine tells of each container."""
        ids = self.run("ps", "--all", "--quiet").split()
        told = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True)
        return list(json.loads(told.stdout))

    def run(self, *command: str, given: str = "") -> str:
        """Return what a compose command printed. Raises CannotGoOn when it fails."""
        done = subprocess.run(
            [*self._base, *command], env=self._env, input=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            msg = f"docker compose {command[0]} failed:\n{done.stdout[-2_000:]}{done.stderr[-4_000:]}"
            raise CannotGoOn(msg)
        return done.stdout

    def tail(self) -> str:
        """The end of every container's log."""
        return self.run("logs", "--no-color", "--tail", str(_TAIL_LINES))

    def _is_healthy(self) -> bool:
        return all(map(_is_well, self.containers()))


def _is_well(container: Mapping[str, Any]) -> bool:
    """Healthy where somebody looks, else running; a job has ended well."""
    state = container["State"]
    if container["HostConfig"]["RestartPolicy"]["Name"] == "no":
        return bool(state["Status"] == "exited" and state["ExitCode"] == 0)
    return bool(state["Status"] == "running" and state.get("Health", {}).get("Status", "healthy") == "healthy")
