"""Nothing that anybody sends breaks the interface, or is answered otherwise than its document says."""

import asyncio

import httpx
from fastapi import FastAPI
from services.availability.tests.examples import USER
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import served
from services.availability.tests.tokens import Platform

from any_request import send_anything

BOTH = "appointments:write availability:read"
WISH = {"user_id": USER, "start": "2026-03-02T19:00:00Z", "end": "2026-03-02T20:00:00Z", "title": "Coupe"}
KNOWN = {"user_id": USER, "user_ids": [USER], "start": "2026-03-02T07:00:00Z", "end": "2026-03-04T08:00:00Z"}


async def booked(app: FastAPI, headers: dict[str, str]) -> str:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://availability") as client:
        answer = await client.post("/v1/appointments", json=WISH, headers=headers | {"Idempotency-Key": "k-1"})
    return str(answer.json()["id"])


def test_no_request_is_answered_with_a_fault(memory: MemoryTimeline, platform: Platform) -> None:
    app, headers = served(memory, platform), platform.person(scope=BOTH)
    known = KNOWN | {"appointment_id": asyncio.run(booked(app, headers)), "If-Match": "*"}

    answers = [*send_anything(app, headers, known, examples=8)]

    operations = {f"{method.upper()} {path}" for path, those in app.openapi()["paths"].items() for method in those}
    assert {operation for operation, _ in answers} == operations
    assert {200, 201, 204, 404, 409, 422} <= {status for _, status in answers}
