"""The proxy of deploy/k8s as a process: as deployed, but for its address and, on demand, whom it lets through."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_stack.ports import free_ports
from local_stack.waiting import wait_until

_ROOT = Path(__file__).parents[3]
DEPLOYED = _ROOT / "deploy/k8s/components/egress-proxy"
ALLOWED = "*.icloud.com:443"
_ADDRESS = "0.0.0.0"  # noqa: S104 -- what is replaced
_START_SECONDS = 60


def program() -> str:
    """Envoy's path. Where there is none the test is skipped; in CI, where nobody would see that, it fails."""
    found = shutil.which("envoy", path=f"{_ROOT / '.servers'}:{os.environ['PATH']}")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no envoy; tools/envoy.sh sees to it")
    return found


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running one."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> list[dict[str, Any]]:
        """What it has logged of each tunnel."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def answer(self, head: str) -> int:
        """The status of its answer to a request of these lines, and nothing more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            wire.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
            return int(wire.recv(4096).split(b" ")[1])


@contextmanager
def egress_proxy(folder: Path, *, allowed: str = ALLOWED) -> Iterator[Proxy]:
    """The proxy until the end of the block; it lets through who matches `allowed`."""
    (port,) = free_ports(1)
    text = (DEPLOYED / "envoy.yaml").read_text()
    changed = {_ADDRESS: "127.0.0.1", "port_value: 3128": f"port_value: {port}", ALLOWED: allowed}
    for deployed, here in changed.items():
        assert text.count(deployed) == 1, deployed
        text = text.replace(deployed, here)
    (folder / "envoy.yaml").write_text(text)
    proxy, told = Proxy(port, folder / "log"), [*_deployed_arguments(), "--file-flush-interval-msec", "50"]
    arguments = ["-c", str(folder / "envoy.yaml"), *told]
    with proxy.log.open("wb") as log:
        process = subprocess.Popen([program(), *arguments], stdout=log, stderr=subprocess.STDOUT)
        try:
            assert wait_until(lambda: _listens(port), seconds=_START_SECONDS), proxy.log.read_text()
            yield proxy
        finally:
            process.terminate()
            process.wait(timeout=30)


def _deployed_arguments() -> list[str]:
    """The container's, but for the configuration's path."""
    found = re.search(r"args: \[(.+)\]", (DEPLOYED / "egress-proxy.yaml").read_text())
    assert found is not None
    words = [word.strip().strip('"') for word in found.group(1).split(",")]
    assert words[0] == "-c"
    return words[2:]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
