"""Processes of our own: started in a session of their own, recognised by pid and start time, never by name."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_stack.errors import CannotGoOn
from local_stack.waiting import wait_until

# A start time is computed from the machine's boot time, which clock corrections move by fractions of a second.
_START_TIME_TOLERANCE_SECONDS = 2.0
_AFTER_KILL_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Identity:
    """A process of this machine; a later process with the same pid is somebody else."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """Raise psutil.NoSuchProcess when there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        """Zombies are dead; a frozen process is alive."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) <= _START_TIME_TOLERANCE_SECONDS
            zombie = process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        if same and zombie:
            with suppress(ChildProcessError):  # not our child: its own parent collects it
                os.waitpid(self.pid, os.WNOHANG)
        return same and not zombie

    def is_paused(self) -> bool:
        return self.is_alive() and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def signal(self, number: signal.Signals) -> None:
        """Reach the process and its own session's children; nothing happens when it is gone."""
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Raises CannotGoOn when the system holds on to it."""
        self.signal(signal.SIGKILL)
        if not wait_until(lambda: not self.is_alive(), seconds=_AFTER_KILL_SECONDS):
            msg = f"Process {self.pid} does not go away even when killed; it probably waits for the disk."
            raise CannotGoOn(msg)

    def stop(self, *, seconds: float) -> bool:
        """SIGTERM and so many seconds to leave, then SIGKILL. Says whether it left by itself."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # a paused process would hear it only then
        if wait_until(lambda: not self.is_alive(), seconds=seconds):
            return True
        self.kill()
        return False


def spawn(command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path | None = None) -> Identity:
    """Start in a session of its own (so that Ctrl-C reaches only us), output appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # From here on the process is known by its identity alone, as those started by an earlier run are.
    identity = Identity.of(process.pid)
    process.returncode = 0
    return identity


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log, indented; empty when nothing was written."""
    if not log.exists():
        return ""
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])


def inherited_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a part may take over from the terminal: how to find programs and text, none of its settings."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "JAVA_HOME")
    return {name: environ[name] for name in names if name in environ}
