"""A process that outlives the owner of a stack just long enough to stop what the owner left running.

`python -m local_stack.warden FOLDER PID STARTED` reads its input until the owner, by ending, closes it; however that
came about. Then it stops the stack in FOLDER, if that is still the owner's.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local_stack.layout import Layout
from local_stack.processes import Identity
from local_stack.waiting import wait_until

_LEAVE_SECONDS = 30.0


class Warden:
    """Watches over one stack of this process, until it is dismissed or this process ends."""

    def __init__(self, folder: Path, owner: Identity) -> None:
        command = [sys.executable, "-P", "-m", "local_stack.warden", str(folder), str(owner.pid), repr(owner.started)]
        heard, self._leash = os.pipe()
        process = subprocess.Popen(command, stdin=heard, start_new_session=True)
        os.close(heard)
        self._identity = Identity.of(process.pid)
        # Nobody else may wait for it: whoever forgets to dismiss it means that it is to stay.
        process.returncode = 0

    def dismiss(self) -> None:
        """Return when the warden is gone; it has nothing to do once the stack is down."""
        os.close(self._leash)
        wait_until(lambda: not self._identity.is_alive(), seconds=_LEAVE_SECONDS)


def main(arguments: Sequence[str]) -> None:
    """Wait for the owner's end, then tidy up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder, pid, started = arguments
    sys.stdin.read()
    if Layout(Path(folder)).state.exists():
        from local_stack.stack import LocalStack  # noqa: PLC0415 - heavy, seldom needed, and it imports this module

        LocalStack(folder).stop_if_owned_by(Identity(int(pid), float(started)))


if __name__ == "__main__":
    main(sys.argv[1:])
