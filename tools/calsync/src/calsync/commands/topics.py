"""`calsync topics …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import group
from calsync.session import session_of

app = group("Kafka's topics, as the contracts want them.")


@app.command()
def diff(context: typer.Context) -> None:
    """What differs from the contracts. Exit code 1 when anything does."""
    from calsync.topic_settings import diff as do

    session = session_of(context)
    session.run(do(session))


@app.command()
def apply(
    context: typer.Context,
    replication_factor: Annotated[int, typer.Option(help="Of topics that are made.")] = 3,
) -> None:
    """Make what is missing, set what differs; what the contracts do not name stays as it is."""
    from calsync.topic_settings import apply as do

    session = session_of(context)
    session.run(do(session, replication_factor))
