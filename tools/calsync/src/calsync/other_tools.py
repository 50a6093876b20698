"""Tools of the services, called through this command, so that who used them is recorded."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from typing import Final

from calsync.audit import Deed, Entry, audit_where_there_is
from calsync.ends import End, Misuse
from calsync.session import Session

Main = Callable[[Sequence[str], Mapping[str, str]], int]
_OUTCOMES: Final = {End.OK: "done", End.WRONG: "not all of it"}


@dataclass(frozen=True, slots=True)
class Tool:
    """A package with an `app.main(arguments, environ)` of our exit codes, and whose image has it."""

    name: str
    package: str
    service: str


KEYS: Final = Tool("keys", "calsync_keys", "sync-worker")
BOOTSTRAP: Final = Tool("bootstrap", "calsync_bootstrap", "availability")


async def use(session: Session, tool: Tool, arguments: Sequence[str], question: str) -> End:
    """Let the tool do it: its words are passed on, its exit code is ours."""
    if find_spec(tool.package) is None:
        raise Misuse(f"This tool comes with the {tool.service}, which is not installed here: use its image.")
    main: Main = import_module(f"{tool.package}.app").main
    said = StringIO()
    codes: list[int] = []

    async def work(entry: Entry) -> None:
        with redirect_stdout(said if session.as_json else sys.stdout):
            # It brings an event loop of its own.
            codes.append(await asyncio.to_thread(main, list(arguments), session.environ))
        entry.told["code"] = codes[0]
        entry.outcome = _OUTCOMES.get(End(codes[0]), "failed")

    async with audit_where_there_is(session) as audit:
        # Paths tell where keys lie.
        deed = Deed(f"{tool.name} {arguments[0]}", {"arguments": [one for one in arguments[1:] if "/" not in one]})
        await session.change(audit, deed, question, work)
    if session.as_json:
        session.tell(said=said.getvalue().splitlines(), code=codes[0])
    return End(codes[0])
