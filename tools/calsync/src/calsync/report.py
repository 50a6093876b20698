"""What is told on the terminal: tables for people, one JSON object for scripts. Nothing secret is in either."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtime.redaction import redact

_WIDE: Final = 220
"""Columns where nobody says how many there are: a log or a pipe."""


def tell(report: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a report. A list of rows becomes a table, a mapping two columns, anything else a line.

    Whatever looks like a secret, an Apple ID or an e-mail address is covered, should any have come this far.
    """
    covered = redact(None, "", {name: plain(value) for name, value in report.items()})
    if as_json:
        sys.stdout.write(json.dumps(covered, ensure_ascii=False) + "\n")
        return
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    for name, value in covered.items():
        _tell_one(console, name.replace("_", " "), value)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a document holds
    """The same in JSON's own types; moments in RFC 3339, to the second."""
    if isinstance(value, datetime):
        return f"{value.replace(microsecond=0, tzinfo=None).isoformat()}Z"
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _tell_one(console: Console, name: str, value: Any) -> None:  # noqa: ANN401 - JSON
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        _tell_rows(console, name, value)
    elif isinstance(value, dict):
        _tell_rows(console, name, [{"": key, " ": one} for key, one in value.items()], header=False)
    else:
        console.print(Text(f"{name}: {_cell(value)}"))


def _tell_rows(console: Console, name: str, rows: Sequence[Mapping[str, Any]], *, header: bool = True) -> None:
    if not rows:
        console.print(Text(f"{name}: none"))
        return
    # Not as the table's own title, which is broken where the columns are narrow.
    console.print(Text(name, style="italic"))
    table = Table(show_header=header, box=None, pad_edge=False)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    console.print(table)


def _cell(value: Any) -> str:  # noqa: ANN401 - JSON
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_cell(one) for one in value) or "-"
        case dict():
            return ", ".join(f"{name} {_cell(one)}" for name, one in value.items()) or "-"
        case _:
            return str(value)
