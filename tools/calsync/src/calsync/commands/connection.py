"""`calsync connection …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import Account, ConnectionId, Limit, Since, User, aware, group
from calsync.connection_states import State
from calsync.ends import Misuse
from calsync.renew_what import What
from calsync.resync_how import How
from calsync.session import session_of

app = group("Connections: see, pause, look at anew, end.")


@app.command("list")
def list_(  # noqa: PLR0913 - as many as there are ways to narrow it down
    context: typer.Context,
    account: Account = None,
    user: User = None,
    state: Annotated[State | None, typer.Option(help="Only those that stand so.")] = None,
    key: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those whose credential is sealed for this key of the vault.")
    ] = None,
    *,
    paused: Annotated[bool, typer.Option("--paused", help="Only those that are paused.")] = False,
    limit: Limit = 100,
) -> None:
    """The connections, with how long ago each was read, when it is looked at next, and the vault's key of each."""
    from calsync.listed import Wanted, show_list

    session = session_of(context)
    session.run(show_list(session, Wanted(account, user, state, key, paused, limit)))


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
            "again. republish: tell Kafka again the connection and what is kept of its events."
        ),
    ] = How.LOOK,
) -> None:
    """Have it looked at now, as thoroughly as is needed."""
    from calsync.resync import resync as do

    session = session_of(context)
    session.run(do(session, connection, how))


@app.command()
def retell(  # noqa: PLR0913 - as many as there are ways to narrow it down
    context: typer.Context,
    connection: Annotated[str | None, typer.Argument(metavar="CONNECTION", help="One by its id.")] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="All that the topic lacks, or has in an older version last.")
    ] = False,
    limit: Annotated[int | None, typer.Option(help="At most so many; the next call goes on.")] = None,
    per_second: Annotated[float, typer.Option(help="So many connections a second.")] = 20.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be told.")] = False,
) -> None:
    """Tell Kafka again what the connector has: for a topic, or a reader, that has lost it. Events are not told."""
    from calsync.retell import Wanted as Told
    from calsync.retell import retell as do

    session = session_of(context)
    if (connection is None) != every:
        raise Misuse("Say which: CONNECTION, or --all.")
    session.run(do(session, Told(connection, limit, per_second, dry_run=dry_run)))


@app.command()
def renew(  # noqa: PLR0913 - as many as there are ways to narrow it down
    context: typer.Context,
    connection: Annotated[str | None, typer.Argument(metavar="CONNECTION", help="One by its id.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    what: Annotated[
        What,
        typer.Option(
            help="epochs: a new epoch above all that was told. lost: end those that only Kafka has. events: take back "
            "events that only Kafka has."
        ),
    ] = What.EPOCHS,
    since: Since = None,
    limit: Annotated[int | None, typer.Option(help="At most so many; the next call goes on.")] = None,
    per_second: Annotated[float, typer.Option(help="So many connections a second.")] = 20.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
) -> None:
    """After a restore: have every reader of the topics believe us again.

    What was renewed from --since on (default: within seven days) is done, and left out.
    """
    from calsync.renew import Wanted as Renewed
    from calsync.renew import renew as do

    session = session_of(context)
    if (connection is None) != every:
        raise Misuse("Say which: CONNECTION, or --all.")
    session.run(do(session, Renewed(connection, what, aware(since), limit, per_second, dry_run=dry_run)))


@app.command()
def disconnect(context: typer.Context, connection: ConnectionId) -> None:
    """End it as its user would: the credential is erased at once, the rest within minutes."""
    from calsync.ending import disconnect as do

    session = session_of(context)
    session.run(do(session, connection))
