"""Nothing that anybody sends breaks the interface, or is answered otherwise than its document says."""

import asyncio

from fastapi import FastAPI

from any_request import send_anything
from connector_examples import APP_PASSWORD, APPLE_ID, CALENDARS, CREDENTIAL, MARIE, PRINCIPAL
from connector_fakes import FakeApple, FakeConnections
from connector_http import WISH, as_, client_of, interface


async def connected(app: FastAPI) -> str:
    async with client_of(app) as client:
        answer = await client.post("/v1/connections", json=WISH, headers=as_(MARIE))
    return str(answer.json()["id"])


def test_no_request_is_answered_with_a_fault() -> None:
    app = interface(FakeConnections(), FakeApple({CREDENTIAL: (PRINCIPAL, CALENDARS)}))
    known = {"connection_id": asyncio.run(connected(app)), "app_password": APP_PASSWORD, "apple_id": APPLE_ID}

    answers = [*send_anything(app, as_(MARIE), known, examples=8)]

    operations = {f"{method.upper()} {path}" for path, those in app.openapi()["paths"].items() for method in those}
    assert {operation for operation, _ in answers} == operations
    assert {200, 404, 409, 422} <= {status for _, status in answers}
