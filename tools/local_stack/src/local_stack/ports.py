"""Which TCP ports of 127.0.0.1 are free."""

import atexit
import random
import socket
from collections import deque
from collections.abc import Sequence
from typing import Final

import psutil

from local_stack.errors import CannotGoOn

HOST = "127.0.0.1"

# Below every system's range of ephemeral ports, so that no outgoing connection takes one between our look and our use.
_AUTOMATIC = range(20_000, 32_000)
_TRIES = 1_000

# Between our look and the moment a server listens lie many seconds, in which a stack beside this one also looks.
_held: Final[deque[socket.socket]] = deque()
_HELD = 200


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int, *, among: Sequence[int] = _AUTOMATIC) -> list[int]:
    """So many different ports that nobody listens on, and that no other call is given, in whatever process.

    A port stays ours until this process has ended or has asked for 200 more.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(among, min(_TRIES, len(among))):
        if len(found) == count:
            break
        if _hold(port):
            found.append(port)
    if len(found) < count:
        msg = f"No {count} free ports between {among[0]} and {among[-1]}. Stop some servers and try again."
        raise CannotGoOn(msg)
    return found


def _hold(port: int) -> bool:
    """Bind the port as nobody else can, and only then let servers, which reuse addresses, share it with us."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.bind((HOST, port))
    except OSError:
        holder.close()
        return False
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _held.append(holder)
    _let_go(_HELD)
    return True


def _let_go(most: int) -> None:
    """Hold so many at most, the last ones."""
    while len(_held) > most:
        _held.popleft().close()


atexit.register(_let_go, 0)


def demand_free(name: str, port: int) -> None:
    """Raise CannotGoOn, naming who sits there if the system tells, unless the port is free."""
    if not is_free(port):
        msg = (
            f"Port {port}, which {name} needs, is taken{_holder(port)}. Stop that program, or start with --ports auto."
        )
        raise CannotGoOn(msg)


def _holder(port: int) -> str:
    try:
        listeners = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # only root may ask on some systems
        return ""
    for listener in listeners:
        if listener.laddr and listener.laddr.port == port and listener.status == psutil.CONN_LISTEN and listener.pid:
            return f" by {psutil.Process(listener.pid).name()} (pid {listener.pid})"
    return ""
