"""`calsync pending`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from datetime import timedelta
from typing import Annotated

import typer

from calsync.session import session_of


def pending(
    context: typer.Context,
    max_age: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Exit code 1 where something is older.")
    ] = 60,
) -> None:
    """How much waits in each service to be told, and since when."""
    from calsync.backlog import show_pending

    session = session_of(context)
    session.run(show_pending(session, timedelta(seconds=max_age)))
