"""`calsync leases`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import Limit
from calsync.session import session_of


def leases(
    context: typer.Context,
    *,
    connections: Annotated[bool, typer.Option("--connections", help="Each leased connection, too.")] = False,
    limit: Limit = 100,
) -> None:
    """Which worker has how many connections, and what is due and nobody's."""
    from calsync.backlog import show_leases

    session = session_of(context)
    session.run(show_leases(session, connections=connections, limit=limit))
