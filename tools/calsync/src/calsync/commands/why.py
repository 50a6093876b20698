"""`calsync why`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.session import session_of


def why(
    context: typer.Context,
    user: Annotated[
        str, typer.Argument(metavar="USER", help="A user of the token's account, which is told.", show_default=False)
    ],
    span: Annotated[
        str,
        typer.Argument(
            metavar="SPAN",
            help="A day as UTC has it (2026-03-02: from midnight to midnight, UTC), or START/END or START/PT8H.",
            show_default=False,
        ),
    ],
) -> None:
    """Why a user's time is taken or open: each thing that touches it, with the rule that decided. No titles."""
    from calsync.reasons import why as do

    session = session_of(context)
    session.run(do(session, user, span))
