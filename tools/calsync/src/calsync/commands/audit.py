"""`calsync audit`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from typing import Annotated

import typer

from calsync.commands.common import Limit, Since, aware
from calsync.session import session_of


def audit(
    context: typer.Context,
    since: Since = None,
    what: Annotated[str | None, typer.Option(help="Only this command, such as 'connection pause'.")] = None,
    limit: Limit = 50,
) -> None:
    """Who changed what with this command, and what came of it; the latest first."""
    from calsync.audit import show

    session = session_of(context)
    session.run(show(session, aware(since), what, limit))
