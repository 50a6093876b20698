"""The whole system, or some parts of it, as processes of this machine."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self, Unpack

from local_stack import members, roster
from local_stack.checkout import DEFAULT_DATA
from local_stack.environment import Environment, lines_of, text_of
from local_stack.errors import CannotGoOn
from local_stack.layout import Layout, is_database
from local_stack.part import Part
from local_stack.preparation import environment_of, prepare
from local_stack.processes import Identity
from local_stack.state import Options, State, StateFile, Wishes
from local_stack.tokens import EVERY_SCOPE, TokenKeys
from local_stack.topics import make_topics
from local_stack.warden import Warden

_STOP_SECONDS = 25.0  # what every service promises; databases are far quicker
_AN_HOUR = timedelta(hours=1)

Say = Callable[[str], None]


class LocalStack:
    """The stack of one data folder. Others of the same folder, in any process, see and change the same stack."""

    def __init__(
        self, data: Path | str = DEFAULT_DATA, *, ports: Literal["auto", "fixed"] = "auto", **wishes: Unpack[Wishes]
    ) -> None:
        self._layout = Layout(Path(data).resolve())
        self._file = StateFile(self._layout)
        self._automatic_ports = ports == "auto"
        self._options = Options(**wishes)
        self._warden: Warden | None = None

    def up(self, *, detach: bool = False, say: Say = lambda _: None) -> Self:
        """Return when every part serves. Raises CannotGoOn, with nothing left running, when that cannot be had.

        Unless detached the stack ends with this process, however this process ends.
        """
        try:
            with self._file.locked():
                self._clear_leftovers(say)
                self._start(say)
                if detach:
                    self._file.write(replace(self._state(), owner=None))
        finally:
            if detach or self._file.read() is None:
                self._dismiss_warden()
        return self

    def down(self, *, keep_data: bool = False) -> None:
        """Stop what runs, in order, and unless told otherwise erase all data and keys. The logs stay."""
        with self._file.locked():
            self._stop_everything(careful=keep_data)
            if not keep_data:
                for folder in self._layout.data_folders():
                    shutil.rmtree(folder, ignore_errors=True)
        self._dismiss_warden()

    def kill(self, name: str) -> None:
        """SIGKILL a part; `restart` brings it back. `sync-worker` means every worker, `mongodb` every member."""
        with self._changed():
            for one, identity in self._running(name):
                self._file.write(self._state().killed_by_hand(one))
                identity.kill()

    def restart(self, *names: str) -> None:
        """Stop parts unless they are dead, start them together on the same ports, return when all serve."""
        with self._changed() as state:
            _wait_for(self._relaunched(names, state))

    def relaunch(self, *names: str) -> None:
        """As `restart`, but return at once: a service may wait ten seconds until Kafka believes that it had died."""
        with self._changed() as state:
            self._relaunched(names, state)

    def pause(self, name: str) -> None:
        """Freeze a part where it stands (SIGSTOP)."""
        for _, identity in self._running(name):
            identity.signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a frozen part go on."""
        for _, identity in self._running(name):
            identity.signal(signal.SIGCONT)

    @property
    def state(self) -> State | None:
        """What was started here; None when nothing was."""
        return self._file.read()

    @property
    def env(self) -> dict[str, str]:
        """The lines of stack.env. Raises CannotGoOn when the stack is not up."""
        if not self._layout.env_file.exists():
            raise self._not_up()
        return lines_of(self._layout.env_file.read_text())

    def token(self, account: str, user: str, scope: str = EVERY_SCOPE, *, ttl: timedelta = _AN_HOUR) -> str:
        """A bearer token of the platform; a service's user is `service:<name>`."""
        claims = {"sub": user, "account_id": account, "scope": scope}
        return TokenKeys(self._layout.keys).token(claims, ttl)

    def log_files(self) -> list[Path]:
        """Everything that any part printed, in this run and the one before."""
        return sorted(self._layout.logs.iterdir())

    def log_file(self, name: str) -> Path:
        """Raises CannotGoOn when no part of that name ever ran here."""
        file = self._layout.log(name)
        if not file.exists():
            there = ", ".join(log.stem for log in sorted(self._layout.logs.glob("*.log"))) or "none"
            msg = f"There is no log of {name}. There are: {there}"
            raise CannotGoOn(msg)
        return file

    def stop_if_owned_by(self, owner: Identity) -> None:
        """Stop everything if the stack that runs here still is this owner's; data are kept, unless it is temporary."""
        if self._file.read() is not None:
            with self._file.locked():
                state = self._file.read()
                if state is not None and state.owner == owner:
                    self._stop_everything(careful=not state.options.temporary)
                    if state.options.temporary:
                        shutil.rmtree(self._layout.data, ignore_errors=True)
        self._dismiss_warden()

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(self, *_: object) -> None:
        self.down()

    def _clear_leftovers(self, say: Say) -> None:
        state = self._file.read()
        if state is None:
            return
        if state.is_running():
            where = self._layout.data
            msg = f"A stack already runs in {where}. Stop it or use another --data: "
            msg += f".venv/bin/python -m local_stack down --data {where}"
            raise CannotGoOn(msg)
        if left := state.alive():
            say(f"Stopping what an earlier run left behind: {', '.join(left)}")
        self._stop_everything()

    def _start(self, say: Say) -> None:
        environment = prepare(self._layout, self._options, automatic_ports=self._automatic_ports)
        me = Identity.of(os.getpid())
        self._file.write(State(self._options, environment.ports, owner=me))
        self._warden = Warden(self._layout.data, me)
        try:
            self._start_everything(environment, say)
        except BaseException:
            self._stop_everything()
            raise

    def _start_everything(self, environment: Environment, say: Say) -> None:
        first, then = roster.waves(environment.options)
        if first:
            say(f"Starting {', '.join(first)}")
            _wait_for(self._launched(first, environment))
        if "kafka" in first:
            make_topics(environment.of_stack()["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"])
        if then:
            say(f"Starting {', '.join(then)}")
            _wait_for(self._launched(then, environment))
        arriving = self._layout.env_file.with_suffix(".arriving")
        arriving.write_text(text_of(environment.of_stack()))
        arriving.rename(self._layout.env_file)

    def _relaunched(self, names: Sequence[str], state: State) -> list[Part]:
        environment = environment_of(self._layout, state)
        ones = [one for name in names for one in members.named(name, state)]
        for one in ones:
            self._file.write(self._state().killed_by_hand(one))
            if one in state.processes:
                state.processes[one].stop(seconds=_STOP_SECONDS)
        return self._launched(ones, environment)

    def _launched(self, names: Sequence[str], environment: Environment) -> list[Part]:
        parts = {name: roster.part(name, environment) for name in names}
        for name, part in parts.items():
            part.launch()
            if part.identity is not None:
                self._file.write(self._state().started(name, part.identity))
        return list(parts.values())

    def _stop_everything(self, *, careful: bool = True) -> None:
        state = self._file.read()
        if state is None:
            return
        databases = [name for name in state.processes if is_database(name)]
        services = [name for name in state.processes if name not in (*databases, "simulator")]
        for group in (services, ["simulator"], databases):
            identities = [state.processes[name] for name in group if name in state.processes]
            if group is databases and not careful:  # nobody will read their data again
                for identity in identities:
                    identity.kill()
            else:
                _stop_together(identities)
        self._layout.env_file.unlink(missing_ok=True)
        self._file.remove()

    def _running(self, name: str) -> Iterator[tuple[str, Identity]]:
        state = self._state()
        for one in members.named(name, state):
            if one in state.processes:
                yield one, state.processes[one]

    @contextmanager
    def _changed(self) -> Iterator[State]:
        with self._file.locked():
            yield self._state()

    def _state(self) -> State:
        state = self._file.read()
        if state is None:
            raise self._not_up()
        return state

    def _not_up(self) -> CannotGoOn:
        return CannotGoOn(f"No stack runs in {self._layout.data}. Start one: .venv/bin/python -m local_stack up")

    def _dismiss_warden(self) -> None:
        if self._warden is not None:
            self._warden.dismiss()
            self._warden = None


def _wait_for(parts: Sequence[Part]) -> None:
    for part in parts:
        part.wait_until_ready()


def _stop_together(identities: Sequence[Identity]) -> None:
    with ThreadPoolExecutor(max_workers=max(1, len(identities))) as threads:
        list(threads.map(lambda identity: identity.stop(seconds=_STOP_SECONDS), identities))
