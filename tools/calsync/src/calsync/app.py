"""The command: its options for all, its parts, and how errors end it."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer

from calsync.commands import (
    audit,
    bootstrap,
    budget,
    connection,
    dead_letters,
    erase,
    keys,
    leases,
    pending,
    quarantine,
    removals,
    topics,
    verify,
    why,
)
from calsync.ends import End
from calsync.failures import failed
from calsync.session import Session

NAME: Final = "calsync"
_FLAGS: Final = {"--json": "--json", "--yes": "--yes", "-y": "--yes"}
_NAMED: Final = "--as"

app = typer.Typer(
    name=NAME,
    help="See, steer and repair the calendar synchronisation. docs/admin.md tells each command with its exit codes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="--json, --yes and --as may stand anywhere. Exit codes: 0 fine, 1 something is wrong, 2 misuse, "
    "3 somebody cannot be reached, 4 a fault of this command.",
)
app.add_typer(connection.app, name="connection")
app.command("why")(why.why)
app.command("leases")(leases.leases)
app.command("pending")(pending.pending)
app.add_typer(removals.app, name="removals")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(budget.app, name="budget")
app.add_typer(keys.app, name="keys")
app.command("erase")(erase.erase)
app.command("verify")(verify.verify)
app.add_typer(topics.app, name="topics")
app.add_typer(bootstrap.app, name="bootstrap")
app.command("audit")(audit.audit)


@app.callback()
def options(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for scripts.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Change without asking.")] = False,
    named: Annotated[
        str | None, typer.Option(_NAMED, metavar="NAME", help="Who you are, for the audit. Default: CALSYNC_ADMIN_NAME")
    ] = None,
) -> None:
    """What every command has."""
    environ: Mapping[str, str] = context.obj
    context.obj = Session(environ, as_json, yes, named or environ.get("CALSYNC_ADMIN_NAME") or None)


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Do as told; the exit code."""
    try:
        app(hoisted(arguments), prog_name=NAME, obj=environ)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else End.OK
    except Exception as error:  # noqa: BLE001 - the outermost place: here the exit code is chosen
        return failed(error)
    return End.OK


def script() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The same with the options for all at their head, where Typer wants them."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for one in waiting:
        if one == "--":
            rest += [one, *waiting]
        elif one in _FLAGS:
            front.append(_FLAGS[one])
        elif one == _NAMED:
            front += [one, *[following for following in (next(waiting, None),) if following is not None]]
        elif one.startswith(f"{_NAMED}="):
            front.append(one)
        else:
            rest.append(one)
    return front + rest
