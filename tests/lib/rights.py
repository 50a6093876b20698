"""Who reads and writes which topic, taken from the services' code."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from contracts import events, topics

_SRC: Final = Path(__file__).parents[2] / "services"
PACKAGES: Final = {"connector": "connector", "sync-worker": "sync_worker", "availability": "availability"}
Rule = tuple[str, str, str]
"""Operation, kind of resource, name."""


def rules(service: str) -> set[Rule]:
    """What the service has to be allowed, and no more."""
    read = _read(service)
    return (
        {("Read", "group", service)}
        | {("Read", "topic", name) for name in read}
        | {("Write", "topic", name) for name in _known(service) - read}
        | {("Write", "topic", topic.dead) for topic in topics.TOPICS if topic.name in read}
    )


def _read(service: str) -> set[str]:
    """What some `Subscription(TOPIC.name, …)` names."""
    return {
        getattr(topics, node.args[0].value.id).name
        for tree in _trees(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Subscription"
        and isinstance(node.args[0], ast.Attribute)
        and isinstance(node.args[0].value, ast.Name)
    }


def _known(service: str) -> set[str]:
    """The topics of all events that the service knows. None of them is both read and written."""
    return {
        topics.topic_of(kind).name
        for tree in _trees(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "contracts.events"
        for name in node.names
        if isinstance(kind := getattr(events, name.name), type) and _is_said(kind)
    }


def _is_said(kind: type) -> bool:
    return any(kind in topic.events for topic in topics.TOPICS)


def _trees(service: str) -> Iterator[ast.Module]:
    for file in (_SRC / service / "src" / PACKAGES[service]).rglob("*.py"):
        yield ast.parse(file.read_text())
