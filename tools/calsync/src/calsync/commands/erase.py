"""`calsync erase`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import Account, User
from calsync.session import session_of


def erase(
    context: typer.Context,
    connection: Annotated[
        str | None, typer.Argument(metavar="[CONNECTION]", help="One connection.", show_default=False)
    ] = None,
    account: Account = None,
    user: User = None,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="So long until nothing may be left.")] = 60.0,
) -> None:
    """Disconnect a connection, or all of a user, and see that nothing of it is left. It can be said again."""
    from calsync.ending import Whose
    from calsync.ending import erase as do

    session = session_of(context)
    session.run(do(session, Whose(connection, account, user), wait))
