"""Everything between the wish for a stack and its first process."""

from local_stack import roster
from local_stack.checks import demand_enough_disk, demand_programs
from local_stack.connector_key import make_connector_key
from local_stack.environment import Environment, VaultKeys
from local_stack.layout import Layout
from local_stack.ports import demand_free
from local_stack.state import Options, State
from local_stack.tokens import TokenKeys

_SEALING = {"connector", "sync-worker"}


def prepare(layout: Layout, options: Options, *, automatic_ports: bool) -> Environment:
    """Check the machine, choose the ports, put the last run's logs aside, make the keys. Raises CannotGoOn."""
    demand_enough_disk(layout.data)
    demand_programs(options.parts)
    ports = roster.ports_for(options, automatic=automatic_ports)
    for name, port in ports.items():
        demand_free(name, port)
    layout.logs.mkdir(parents=True, exist_ok=True)
    for log in layout.logs.glob("*.log"):
        log.rename(log.with_suffix(".log.1"))
    TokenKeys(layout.keys).make()
    return environment_of(layout, State(options, ports, owner=None))


def environment_of(layout: Layout, state: State) -> Environment:
    """Return what the parts of a stack are told; makes the keys of the vault and of the connector if nobody has."""
    if "connector" in state.options.parts:
        make_connector_key(layout.connector_key)
    sealing = not _SEALING.isdisjoint(state.options.parts)
    return Environment(layout, state.options, state.ports, VaultKeys.made(layout.keys / "vault") if sealing else None)
