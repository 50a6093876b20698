"""What the services' answers over HTTP come to."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from tools.calsync.tests.world import TITLE, calsync

WHY: dict[str, Any] = {
    "blocking": [
        {
            "kind": "event",
            "start": "2026-03-02T08:00:00Z",
            "end": "2026-03-02T09:30:00Z",
            "calendar_id": "cal-1",
            "id": "event-1",
            "rule": "busy",
            "title": TITLE,
        }
    ],
    "ignored": [],
    "as_of": "2026-03-02T07:56:12Z",
    "state": "fresh",
    "calendars": [{"id": "cal-1", "as_of": "2026-03-02T07:56:12Z", "state": "fresh"}],
}


@dataclass
class Service:
    """Answers every request alike, and remembers them."""

    url: str = ""
    status: int = 200
    body: object = field(default_factory=dict)
    heard: list[tuple[str, str, str]] = field(default_factory=list)

    def environ(self) -> dict[str, str]:
        where = dict.fromkeys(("CALSYNC_AVAILABILITY_URL", "CALSYNC_CONNECTOR_URL"), self.url)
        return where | {"CALSYNC_ADMIN_TOKEN": "the-token"}


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.heard.append((self.command, self.path, self.headers["Authorization"]))
            body = json.dumps(found.body).encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_why_tells_each_reason_and_no_title(service: Service) -> None:
    service.body = WHY

    said = calsync(service.environ(), "why", "usr/1", "2026-03-02", "--json")

    assert said.code == 0
    assert said.json["blocking"][0]["rule"] == "busy"
    assert TITLE not in said.out
    path = "/v1/users/usr%2F1/why?start=2026-03-02T00:00:00Z&end=2026-03-03T00:00:00Z"
    assert service.heard == [("GET", path, "Bearer the-token")]


def test_why_names_the_account_of_the_token_whose_users_alone_it_knows(service: Service) -> None:
    service.body = WHY | {"state": "not_connected", "blocking": [], "calendars": []}
    token = jwt.encode({"account_id": "acc-other", "sub": "service:ops"}, "k" * 32)

    told = calsync(service.environ() | {"CALSYNC_ADMIN_TOKEN": f"{token}\n"}, "why", "usr-1", "2026-03-02", "--json")
    untold = calsync(service.environ(), "why", "usr-1", "2026-03-02", "--json")

    assert (told.code, told.json["state"], told.json["account_id"]) == (0, "not_connected", "acc-other")
    assert (untold.code, untold.json["account_id"]) == (0, None)
    assert token not in told.out + told.err


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (401, 2, "CALSYNC_ADMIN_TOKEN"),
        (403, 2, "scope"),
        (404, 1, "another CrocoClick account"),
        (422, 2, "span_too_long"),
        (429, 3, "7 s"),
        (503, 3, "127.0.0.1"),
        (302, 2, "302"),
    ],
)
def test_a_refusal_says_what_to_do(service: Service, status: int, code: int, word: str) -> None:
    service.status = status
    service.body = {"title": TITLE} | ({"code": "span_too_long"} if status == 422 else {})

    said = calsync(service.environ(), "why", "usr-1", "2026-03-02")

    assert (said.code, said.out) == (code, "")
    assert word in said.err
    assert TITLE not in said.err
    assert "the-token" not in said.err
