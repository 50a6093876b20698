"""Which processes a stack consists of, on which ports, in which order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from local_stack.environment import Environment
from local_stack.errors import CannotGoOn
from local_stack.layout import DATABASES, Layout
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


def names(options: Options) -> list[str]:
    """Return the processes' names, in the order in which they are started."""
    found: list[str] = []
    for part in options.parts:
        if part == "sync-worker":
            found += [f"sync-worker-{number}" for number in range(1, options.workers + 1)]
        elif _is_of_use(part, options):
            found.append(part)
    return found


def _is_of_use(part: str, options: Options) -> bool:
    """Another server may stand in the simulator's place; without the connector nobody signs in."""
    return not (
        (part == "simulator" and options.icloud_url) or (part == "sign-in" and "connector" not in options.parts)
    )


def named(name: str, options: Options) -> list[str]:
    """Return the processes that `name` means: one, or all workers for `sync-worker`. Raises CannotGoOn."""
    known = names(options)
    meant = [one for one in known if one == name or (name == "sync-worker" and one.startswith("sync-worker-"))]
    if not meant:
        msg = f"There is no {name} in this stack. It has: {', '.join(known)}"
        raise CannotGoOn(msg)
    return meant


def ports_for(options: Options, *, automatic: bool) -> dict[str, int]:
    """Return a port for everything that listens, fixed or free ones."""
    wanted = [port for name in names(options) for port in _port_names(name)]
    if automatic:
        return dict(zip(wanted, free_ports(len(wanted)), strict=True))
    workers = {f"sync-worker-{number} ops": _FIRST_WORKER_OPS + number - 1 for number in range(1, options.workers + 1)}
    return {name: {**FIXED_PORTS, **workers}[name] for name in wanted}


def _port_names(name: str) -> Iterator[str]:
    own = {
        "mongodb": ("mongodb",),
        "kafka": ("kafka", "kafka controller"),
        "simulator": ("simulator", "simulator admin"),
        "connector": ("connector", "connector ops"),
        "availability": ("availability", "availability ops"),
        "sign-in": ("sign-in",),
    }
    yield from own.get(name, (f"{name} ops",))


def waves(options: Options) -> tuple[Sequence[str], Sequence[str]]:
    """Return who is started first, all at once, and who once those serve."""
    everyone = names(options)
    return [name for name in everyone if name in DATABASES], [name for name in everyone if name not in DATABASES]


def part(name: str, environment: Environment) -> Part:
    """Return the part, not started."""
    layout, ports = environment.layout, environment.ports
    if name == "mongodb":
        return MongoServer(layout.part(name), port=ports[name], log=layout.log(name))
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
