"""docs/logs.md names every line that our processes log, and no other."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = (
    "services/connector/src",
    "services/availability/src/availability",
    "services/sync-worker/src/sync_worker",
    "shared/src",
)
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
NAME = re.compile(r"[a-z]+(?:_[a-z]+)*")


def calls() -> Iterator[ast.expr]:
    """The first argument of each call of a logger, and of functions that hand a name on to one."""
    for file in chain.from_iterable(sorted((ROOT / place).rglob("*.py")) for place in PLACES):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr=attr), args=[first, *_]) if (
                    attr in LEVELS
                ):
                    yield first
                case ast.Call(func=ast.Name(id="_tell"), args=[ast.Constant() as first, ast.Name()]):
                    yield first


def logged() -> tuple[set[str], set[str]]:
    """Names as they are written, and beginnings of those that are put together."""
    whole, begun = set[str](), set[str]()
    for first in calls():
        match first:
            case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]):
                begun.add(start)
            case _:
                texts = (node.value for node in ast.walk(first) if isinstance(node, ast.Constant))
                whole |= {text for text in texts if isinstance(text, str)}
    return whole, begun


def documented() -> set[str]:
    lines = (ROOT / "docs/logs.md").read_text(encoding="utf-8").splitlines()
    rows = (line.split("|")[1] for line in lines if line.startswith("| `"))
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_line_that_is_logged_is_documented() -> None:
    whole, begun = logged()

    missing = whole - documented()

    assert not missing
    assert all(any(name.startswith(start) for name in documented()) for start in begun)


def test_every_documented_line_is_logged() -> None:
    whole, begun = logged()

    gone = {name for name in documented() - whole if not name.startswith(tuple(begun))}

    assert not gone


def test_names_of_lines_are_words() -> None:
    whole, _ = logged()

    assert len(whole) > 50
    assert all(NAME.fullmatch(name) for name in whole)
