"""Which processes a stack consists of, on which ports, in which order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from local_stack.environment import Environment
from local_stack.errors import CannotGoOn
from local_stack.layout import Layout, is_database
from local_stack.part import Part
from local_stack.ports import HOST, free_ports
from local_stack.servers import KafkaServer, MongoServer
from local_stack.services import Service, Start, answers_ok
from local_stack.state import Options

FIXED_PORTS: Final[Mapping[str, int]] = {
    "connector": 18080,
    "availability": 18081,
    "sign-in": 18082,
    "simulator": 18090,
    "simulator admin": 18091,
    "connector ops": 18180,
    "availability ops": 18181,
    "kafka": 19092,
    "kafka controller": 19093,
    "mongodb": 19117,
}
_FIRST_WORKER_OPS: Final = 18201  # the workers are numbered from 1
_GROUPS: Final = ("sync-worker", "mongodb")


def names(options: Options) -> list[str]:
    """Return the processes' names, in the order in which they are started."""
    found: list[str] = []
    for part in options.parts:
        if part == "sync-worker":
            found += [f"sync-worker-{number}" for number in range(1, options.workers + 1)]
        elif part == "mongodb" and options.mongodb_members > 1:
            found += [f"mongodb-{number}" for number in range(1, options.mongodb_members + 1)]
        elif _is_of_use(part, options):
            found.append(part)
    return found


def _is_of_use(part: str, options: Options) -> bool:
    """Another server may stand in the simulator's place; without the connector nobody signs in."""
    return not (
        (part == "simulator" and options.icloud_url) or (part == "sign-in" and "connector" not in options.parts)
    )


def named(name: str, options: Options) -> list[str]:
    """Return the processes that `name` means: one, or all for `sync-worker` and `mongodb`. Raises CannotGoOn."""
    known = names(options)
    meant = [one for one in known if one == name or (name in _GROUPS and one.startswith(f"{name}-"))]
    if not meant:
        msg = f"There is no {name} in this stack. It has: {', '.join(known)}"
        raise CannotGoOn(msg)
    return meant


def ports_for(options: Options, *, automatic: bool) -> dict[str, int]:
    """Return a port for everything that listens, fixed or free ones."""
    wanted = [port for name in names(options) for port in _port_names(name)]
    if automatic:
        return dict(zip(wanted, free_ports(len(wanted)), strict=True))
    numbered = {f"sync-worker-{n} ops": _FIRST_WORKER_OPS + n - 1 for n in range(1, options.workers + 1)}
    numbered |= {f"mongodb-{n}": FIXED_PORTS["mongodb"] + n - 1 for n in range(1, options.mongodb_members + 1)}
    return {name: {**FIXED_PORTS, **numbered}[name] for name in wanted}


def _port_names(name: str) -> Iterator[str]:
    own = {
        "kafka": ("kafka", "kafka controller"),
        "simulator": ("simulator", "simulator admin"),
        "connector": ("connector", "connector ops"),
        "availability": ("availability", "availability ops"),
        "sign-in": ("sign-in",),
    }
    yield from own.get(name, (name if name.startswith("mongodb") else f"{name} ops",))


def waves(options: Options) -> tuple[Sequence[str], Sequence[str]]:
    """Return who is started first, all at once, and who once those serve."""
    everyone = names(options)
    return [one for one in everyone if is_database(one)], [one for one in everyone if not is_database(one)]


def part(name: str, environment: Environment) -> Part:
    """Return the part, not started."""
    layout, ports = environment.layout, environment.ports
    if name.startswith("mongodb"):
        members = environment.mongodb_ports
        return MongoServer(layout.part(name), port=ports[name], log=layout.log(name), members=members)
    if name == "kafka":
        controller = ports["kafka controller"]
        return KafkaServer(layout.part(name), port=ports[name], controller_port=controller, log=layout.log(name))
    return Service(name, _start(name, environment), layout.log(name))


def _start(name: str, environment: Environment) -> Start:
    ports, modules = environment.ports, environment.options.modules
    if name == "simulator":
        return _simulator(environment.layout, environment.options, ports)
    if name == "sign-in":
        return _sign_in(environment.layout, ports)
    ready = answers_ok(f"http://{HOST}:{ports[f'{name} ops']}/readyz")
    if name == "connector":
        return Start([modules.get(name, "connector")], ready, environment.of_connector())
    if name == "availability":
        return Start([modules.get(name, "availability")], ready, environment.of_availability())
    return Start([modules.get("sync-worker", "sync_worker")], ready, environment.of_worker(name))


def _simulator(layout: Layout, options: Options, ports: Mapping[str, int]) -> Start:
    listen, admin = ports["simulator"], ports["simulator admin"]
    arguments = ["icloud_simulator", "--host", HOST, "--port", str(listen), "--admin-port", str(admin)]
    arguments += ["--data", str(layout.part("simulator")), "--seed", options.seed]
    return Start(arguments, answers_ok(f"http://{HOST}:{admin}/v1/health"), {})


def _sign_in(layout: Layout, ports: Mapping[str, int]) -> Start:
    listen, connector = ports["sign-in"], f"http://{HOST}:{ports['connector']}"
    arguments = ["local_stack.sign_in", "--port", str(listen), "--keys", str(layout.keys), "--connector", connector]
    return Start(arguments, answers_ok(f"http://{HOST}:{listen}/"), {})
