"""Which TCP ports of 127.0.0.1 are free."""

import random
import socket

import psutil

from local_stack.errors import CannotGoOn

HOST = "127.0.0.1"

# Below every system's range of ephemeral ports, so that no outgoing connection takes one between our look and our use.
_AUTOMATIC = range(20_000, 32_000)
_TRIES = 1_000


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """So many different ports that nobody listens on."""
    found: list[int] = []
    for port in random.SystemRandom().sample(_AUTOMATIC, _TRIES):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    msg = f"No {count} free ports between {_AUTOMATIC.start} and {_AUTOMATIC.stop}. Stop some servers and try again."
    raise CannotGoOn(msg)


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
