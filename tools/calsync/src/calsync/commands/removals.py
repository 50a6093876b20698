"""`calsync removals …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from datetime import datetime
from typing import Annotated

import typer

from calsync.commands.common import FORMATS, ConnectionId, OfConnection, aware, group
from calsync.session import session_of

app = group("Removals that looked wrong and are held: see and settle them.")
Calendars = Annotated[list[str], typer.Argument(metavar="CALENDAR…", help="The calendars' ids.", show_default=False)]
HeldSince = Annotated[
    datetime | None,
    typer.Option(formats=FORMATS, metavar="MOMENT", help="Only what `removals list` shows as held since then."),
]


@app.command("list")
def list_(context: typer.Context, connection: OfConnection = None) -> None:
    """Each calendar with removals that wait, and why they are doubted."""
    from calsync.holds import show_held

    session = session_of(context)
    session.run(show_held(session, connection))


@app.command()
def confirm(
    context: typer.Context, connection: ConnectionId, calendars: Calendars, held_since: HeldSince = None
) -> None:
    """They are meant: remove the events in the next look, which comes at once."""
    from calsync.holds import Verdict, settle

    session = session_of(context)
    session.run(settle(session, connection, calendars, Verdict.CONFIRM, aware(held_since)))


@app.command()
def drop(context: typer.Context, connection: ConnectionId, calendars: Calendars) -> None:
    """They are not meant: believe none of them for a day."""
    from calsync.holds import Verdict, settle

    session = session_of(context)
    session.run(settle(session, connection, calendars, Verdict.DROP))
