"""`calsync budget …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import group
from calsync.session import session_of

app = group("How much all workers together ask of Apple: see it, slow it down.")


@app.command()
def show(context: typer.Context) -> None:
    """The limit that is set by hand, if any, and what is left at the moment."""
    from calsync.fleet_budget import show as do

    session = session_of(context)
    session.run(do(session))


@app.command("set")
def set_(
    context: typer.Context,
    per_second: Annotated[
        float, typer.Argument(metavar="REQUESTS_A_SECOND", help="0 stops all of them.", show_default=False)
    ],
) -> None:
    """Slow all workers down, within seconds. Never faster than they are configured for."""
    from calsync.fleet_budget import limit

    session = session_of(context)
    session.run(limit(session, per_second))


@app.command()
def clear(context: typer.Context) -> None:
    """Take the limit off: what the workers are configured for holds again."""
    from calsync.fleet_budget import limit

    session = session_of(context)
    session.run(limit(session, None))
