"""`calsync bootstrap …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import group
from calsync.session import session_of

app = group("Availability's database, made anew from the topics.")


@app.command()
def verify(
    context: typer.Context,
    database: Annotated[
        str, typer.Option(help="The one to fill; it must be empty, and is dropped at the end.")
    ] = "availability_rebuilt",
    patience: Annotated[float, typer.Option(metavar="SECONDS", help="That availability has to catch up.")] = 60.0,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the filled database behind.")] = False,
) -> None:
    """Fill an empty database from the topics alone and compare it with the living one."""
    from calsync.other_tools import BOOTSTRAP, use

    session = session_of(context)
    arguments = ["verify", "--database", database, "--patience", str(patience), *(["--keep"] if keep else [])]
    session.run(use(session, BOOTSTRAP, arguments, f"Fill the database {database} from the topics?"))
