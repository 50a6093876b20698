"""The runbooks as a reader finds them: sections, and commands in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from typer.core import TyperGroup

from calsync.app import app, hoisted

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/runbooks"
SECTIONS = ("What it means", "First three commands", "Safe to do", "Undo", "Call for help")


@dataclass(frozen=True)
class Runbook:
    """One page."""

    name: str
    sections: dict[str, str]

    @property
    def first_commands(self) -> list[str]:
        (block,) = re.findall(r"```sh\n(.*?)```", self.sections["First three commands"], re.DOTALL)
        return [line for line in block.splitlines() if line]

    def commands(self, program: str) -> Iterator[list[str]]:
        """Every command of this program, as words: the first three, and those in running text."""
        quoted = re.findall(r"`([^`\n]+)`", "\n".join(self.sections.values()))
        for line in [*self.first_commands, *quoted]:
            words = shlex.split(line, comments=True)
            if words[:1] == [program] and len(words) > 1:
                yield words[1:]


def runbooks() -> list[Runbook]:
    pages = sorted(path for path in FOLDER.glob("*.md") if path.stem != "README")
    return [Runbook(page.stem, _sections(page.read_text(encoding="utf-8"))) for page in pages]


def beside_a_stack(page: Path) -> str:
    """What is typed before `calsync` works beside a local stack, as this page has it."""
    (block,) = re.findall(r"```sh\n(set -a;.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


def _sections(text: str) -> dict[str, str]:
    title, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    assert title.startswith("# ")
    return {head: body for head, _, body in (part.partition("\n") for part in parts)}


def parsed_calsync(words: list[str]) -> None:
    """Walk down to the command and have it read its options and arguments, without doing anything."""
    command = typer.main.get_command(app)
    rest = hoisted(words)
    while isinstance(command, TyperGroup):
        context = command.make_context(command.name, list(rest))
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None, name
        command = found
    command.make_context(command.name, list(rest))
