"""What several commands are told in the same way."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

ConnectionId = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's id.", show_default=False)]
OfConnection = Annotated[str | None, typer.Option("--connection", metavar="ID", help="Only of this connection.")]
Account = Annotated[str | None, typer.Option("--account", metavar="ID", help="The CrocoClick account.")]
User = Annotated[str | None, typer.Option("--user", metavar="ID", help="The user within the account.")]
Limit = Annotated[int, typer.Option(help="At most so many.")]
FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
Since = Annotated[
    datetime | None,
    typer.Option("--since", formats=FORMATS, metavar="MOMENT", help="From then on; UTC if it says no zone."),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", formats=FORMATS, metavar="MOMENT", help="Before then; UTC if it says no zone."),
]


def aware(moment: datetime | None) -> datetime | None:
    """The moment in UTC."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def group(what: str) -> typer.Typer:
    """Commands that belong together."""
    return typer.Typer(help=what, no_args_is_help=True, pretty_exceptions_enable=False)
