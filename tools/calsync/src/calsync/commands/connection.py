"""`calsync connection …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import Account, ConnectionId, Limit, User, group
from calsync.resync_how import How
from calsync.session import session_of

app = group("Connections: see, pause, look at anew, end.")


@app.command("list")
def list_(  # noqa: PLR0913 - as many as there are ways to narrow it down
    context: typer.Context,
    account: Account = None,
    user: User = None,
    state: Annotated[str | None, typer.Option(help="connected, needs_reconnect or disconnected.")] = None,
    *,
    paused: Annotated[bool, typer.Option("--paused", help="Only those that are paused.")] = False,
    limit: Limit = 100,
) -> None:
    """The connections, with how long ago each was read and when it is looked at next."""
    from calsync.connections import Wanted, show_list

    session = session_of(context)
    session.run(show_list(session, Wanted(account, user, state, paused, limit)))


@app.command()
def show(context: typer.Context, connection: ConnectionId) -> None:
    """What connector, workers, vault and availability hold of one, save what is personal."""
    from calsync.connections import show_one

    session = session_of(context)
    session.run(show_one(session, connection))


@app.command()
def pause(context: typer.Context, connection: ConnectionId) -> None:
    """Have no worker look at it until it is resumed. It can still be disconnected."""
    from calsync.connections import pause as do

    session = session_of(context)
    session.run(do(session, connection))


@app.command()
def resume(context: typer.Context, connection: ConnectionId) -> None:
    """Have workers look at it again, now."""
    from calsync.connections import resume as do

    session = session_of(context)
    session.run(do(session, connection))


@app.command()
def resync(
    context: typer.Context,
    connection: ConnectionId,
    how: Annotated[
        How,
        typer.Option(
            help="look: a usual look. compare: and a full listing of each calendar. reread: fetch and read each event "
            "again. republish: tell Kafka again what is kept."
        ),
    ] = How.LOOK,
) -> None:
    """Have it looked at now, as thoroughly as is needed."""
    from calsync.resync import resync as do

    session = session_of(context)
    session.run(do(session, connection, how))


@app.command()
def disconnect(context: typer.Context, connection: ConnectionId) -> None:
    """End it as its user would: the credential is erased at once, the rest within minutes."""
    from calsync.ending import disconnect as do

    session = session_of(context)
    session.run(do(session, connection))
