"""`calsync verify`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from datetime import timedelta
from typing import Annotated

import typer

from calsync.session import session_of


def verify(  # noqa: PLR0913 - as many as there are ways to look
    context: typer.Context,
    connection: Annotated[
        str | None, typer.Argument(metavar="[CONNECTION]", help="Only this one.", show_default=False)
    ] = None,
    *,
    topic: Annotated[
        bool, typer.Option("--topic", help="Also the last record of each key on the compacted topics.")
    ] = False,
    grace: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="What is younger may still be on its way.")
    ] = 60.0,
    settle: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="What is found is looked at again after this.")
    ] = 3.0,
    icloud: Annotated[
        bool,
        typer.Option(
            "--icloud",
            help="Also iCloud: a worker lists each calendar of CONNECTION in full. It puts right what it finds, and "
            "so this changes something: it asks first, and is recorded.",
        ),
    ] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="So long the worker has to compare.")] = 120.0,
) -> None:
    """Whether what must hold does, across the services' databases, and iCloud if asked. 1 when something does not."""
    from calsync.verification import Options
    from calsync.verification import verify as do

    session = session_of(context)
    options = Options(connection, topic, timedelta(seconds=grace), timedelta(seconds=settle), wait if icloud else None)
    session.run(do(session, options))
