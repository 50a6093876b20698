"""The interface's document tells what its callers meet."""

from typing import Any

import pytest
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import served
from services.availability.tests.tokens import Platform

PROBLEM = "application/problem+json"


@pytest.fixture
def operations(memory: MemoryTimeline, platform: Platform) -> dict[str, dict[str, Any]]:
    paths = served(memory, platform).openapi()["paths"]
    return {operation["operationId"]: operation for item in paths.values() for operation in item.values()}


def test_every_call_needs_a_token(
    operations: dict[str, dict[str, Any]], memory: MemoryTimeline, platform: Platform
) -> None:
    schemes = served(memory, platform).openapi()["components"]["securitySchemes"]

    assert {name: (one["type"], one["scheme"]) for name, one in schemes.items()} == {"token": ("http", "bearer")}
    assert [name for name, one in operations.items() if one["security"] != [{"token": []}]] == []


@pytest.mark.parametrize(
    ("name", "status", "headers"),
    [
        ("book", "201", {"ETag", "Location"}),
        ("appointment", "200", {"ETag"}),
        ("change_appointment", "200", {"ETag"}),
        ("change_appointment", "412", {"ETag"}),
        ("cancel_appointment", "412", {"ETag"}),
        ("block", "201", {"Location"}),
        ("busy", "503", {"Retry-After"}),
    ],
)
def test_headers_that_callers_go_by_are_told(
    operations: dict[str, dict[str, Any]], name: str, status: str, headers: set[str]
) -> None:
    told = operations[name]["responses"][status]

    assert set(told["headers"]) == headers
    assert told["content"]


def test_what_a_refusal_says_beside_its_code_is_shown(operations: dict[str, dict[str, Any]]) -> None:
    told = operations["book"]["responses"]["409"]["content"][PROBLEM]["examples"]

    assert told["slot_taken"]["value"]["conflicts"] == [
        {"start": "2026-03-02T14:00:00Z", "end": "2026-03-02T14:45:00Z"}
    ]
    assert (told["knowledge_too_old"]["value"]["as_of"], told["knowledge_too_old"]["value"]["state"]) == (
        "2026-03-02T07:56:12Z",
        "stale",
    )


@pytest.mark.parametrize(("name", "required"), [("book", True), ("block", False)])
def test_whether_a_wish_needs_a_key_is_told(
    operations: dict[str, dict[str, Any]], name: str, *, required: bool
) -> None:
    keys = [one["required"] for one in operations[name]["parameters"] if one["name"] == "idempotency-key"]

    assert keys == [required]
    assert "idempotency_key_reused" in operations[name]["responses"]["422"]["content"][PROBLEM]["examples"]
