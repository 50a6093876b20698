"""One call of the command: how it was called, how it ends."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from calsync.ends import End, Misuse

if TYPE_CHECKING:
    from calsync.audit import Audit, Deed, Entry
    from runtime.settings import Fragment

S = TypeVar("S", bound="Fragment")


@dataclass(frozen=True, slots=True)
class Session:
    """What the options that every command has say, and the environment."""

    environ: Mapping[str, str]
    as_json: bool
    yes: bool
    named: str | None

    def load(self, cls: type[S]) -> S:
        """The settings that a command uses. Raises SettingsInvalid."""
        from runtime.settings import load  # noqa: PLC0415 - half of --help's time

        return load(cls, self.environ)

    def run(self, work: Coroutine[Any, Any, End]) -> None:
        """Do it, and leave with its exit code."""
        raise typer.Exit(asyncio.run(work))

    def tell(self, **report: object) -> None:
        """Print a report, as people or scripts want it."""
        from calsync.report import tell  # noqa: PLC0415 - as above

        tell(report, as_json=self.as_json)

    def preview(self, **report: object) -> None:
        """Show people what would be done, before they are asked; scripts get one object, at the end."""
        if not self.as_json:
            self.tell(**report)

    def confirm(self, question: str) -> None:
        """Go on only if somebody wants it; the question goes to stderr. Raises Misuse where nobody can be asked."""
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise Misuse(f"{question} Nobody can be asked here: say --yes to go on.")
        try:
            wanted = typer.confirm(question, err=True)
        except typer.Abort:
            wanted = False
        if not wanted:
            raise Misuse("Nothing was changed.")

    async def change(
        self, audit: "Audit", deed: "Deed", question: str, work: Callable[["Entry"], Awaitable[None]]
    ) -> "Entry":
        """Ask, keep a record, do it, and record what came of it."""
        from calsync.audit import recorded  # noqa: PLC0415 - as above

        self.confirm(question)
        async with recorded(audit, deed) as entry:
            await work(entry)
        return entry


def session_of(context: typer.Context) -> Session:
    """The session that `app` has put there."""
    session: Session = context.obj
    return session
