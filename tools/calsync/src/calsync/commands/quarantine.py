"""`calsync quarantine …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import ConnectionId, Limit, OfConnection, group
from calsync.session import session_of

app = group("Calendar objects that cannot be read: see them, read them again.")


@app.command("list")
def list_(context: typer.Context, connection: OfConnection = None, limit: Limit = 100) -> None:
    """What cannot be read, and why."""
    from calsync.resync import show_quarantined

    session = session_of(context)
    session.run(show_quarantined(session, connection, limit))


@app.command()
def retry(
    context: typer.Context,
    connection: ConnectionId,
    event: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this one; may be said several times.")
    ] = None,
) -> None:
    """Fetch and read them again in the next look, which comes at once."""
    from calsync.resync import retry_quarantined

    session = session_of(context)
    session.run(retry_quarantined(session, connection, event or []))
