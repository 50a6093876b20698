import http.client
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.servers

Start = Callable[[str], "Service"]

HEAD = """
import asyncio, sys
from runtime import logs, ops, process
logs.configure("INFO")
log = logs.get_logger("tests")

async def answer(scope, receive, send):
    if scope["path"] == "/slow":
        log.info("answering slowly")
        await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

async def for_ever():
    await asyncio.Event().wait()

async def nothing():
    pass

def stopping(name, stop=nothing):
    async def step():
        await stop()
        log.info("step", name=name)
    return step
"""
TAIL = "\nsys.exit(process.run(serve))\n"


class Service:
    """A small service in a process of its own."""

    def __init__(self, script: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, event: str) -> dict[str, Any]:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"{event} was not logged: {self.lines}")

    def end(self) -> int:
        assert self.process.stdout
        self.lines += [json.loads(line) for line in self.process.stdout]
        return self.process.wait(timeout=30)

    def steps(self) -> list[str]:
        return [line["name"] for line in self.lines if line["event"] == "step"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    services: list[Service] = []

    def begin(serve: str) -> Service:
        script = tmp_path / "service.py"
        script.write_text(HEAD + serve + TAIL)
        services.append(Service(script))
        return services[-1]

    yield begin
    for service in services:
        service.process.kill()
        service.process.wait()
        for stream in (service.process.stdout, service.process.stderr):
            if stream:
                stream.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_in_the_opposite_order_and_exits_with_0(start: Start, number: signal.Signals) -> None:
    service = start("""
async def serve(p):
    p.on_stop("first", stopping("first"))
    p.supervise("work", for_ever())
    p.on_stop("second", stopping("second"))
    p.on_stop("third", stopping("third"))
""")
    service.wait_for("started")

    service.process.send_signal(number)

    assert service.end() == 0
    assert service.steps() == ["third", "second", "first"]


def test_requests_in_hand_are_answered_before_the_end(start: Start) -> None:
    service = start("""
async def serve(p):
    await p.listen("http", answer, "127.0.0.1", 0)
""")
    port = service.wait_for("listening")["port"]
    slow = subprocess.Popen(
        [sys.executable, "-c", f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/slow').status)"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.status == 200
    service.wait_for("answering slowly")

    service.process.terminate()

    assert slow.communicate(timeout=20)[0] == "200\n"
    assert service.end() == 0


def test_readiness_ends_with_the_signal_while_liveness_goes_on(start: Start) -> None:
    service = start("""
async def serve(p):
    app = ops.application(ready={"draining": p.draining}, live={})
    await p.listen("ops", app, "127.0.0.1", 0)
    async def drain():
        async with asyncio.timeout(10):
            await seen.wait()
    seen = asyncio.Event()
    async def second(scope, receive, send):
        seen.set()
        await answer(scope, receive, send)
    await p.listen("other", second, "127.0.0.1", 0)
    p.on_stop("drain", drain)
""")
    ops, other = service.wait_for("listening")["port"], service.wait_for("listening")["port"]

    def status(port: int, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return int(refused.code)

    before = status(ops, "/readyz")
    service.process.terminate()
    service.wait_for("stopping")
    after, live = status(ops, "/readyz"), status(ops, "/livez")
    status(other, "/")

    assert (before, after, live) == (200, 503, 200)
    assert service.end() == 0


def test_while_readiness_is_noticed_requests_are_still_answered_each_as_the_last_of_its_connection(
    start: Start,
) -> None:
    service = start("""
async def serve(p):
    await p.listen("ops", ops.application(ready={"draining": p.draining}, live={}), "127.0.0.1", 0)
    await p.listen("http", answer, "127.0.0.1", 0)
""")
    service.wait_for("listening")
    connection = http.client.HTTPConnection("127.0.0.1", service.wait_for("listening")["port"])
    connection.request("GET", "/")
    before = connection.getresponse()
    assert before.read() == b"ok"

    service.process.terminate()
    service.wait_for("stopping")
    connection.request("GET", "/")
    after = connection.getresponse()

    assert after.read() == b"ok"
    assert (before.getheader("connection"), after.getheader("connection")) == (None, "close")
    assert service.end() == 0


@pytest.mark.parametrize("end", ["raise ValueError('canary')", "pass"])
def test_work_that_ends_by_itself_ends_the_process_with_1(start: Start, end: str) -> None:
    service = start(f"""
async def work():
    {end}

async def serve(p):
    p.on_stop("first", stopping("first"))
    p.supervise("work", work())
""")

    assert service.end() == 1
    (told,) = [line for line in service.lines if line["event"] == "task_ended"]
    assert told["task"] == "work"
    assert "canary" not in json.dumps(service.lines)
    assert service.steps() == ["first"]


def test_a_failed_start_stops_what_had_started_and_exits_with_1(start: Start) -> None:
    service = start("""
async def serve(p):
    p.on_stop("first", stopping("first"))
    raise OSError("no")
""")

    assert service.end() == 1
    assert service.steps() == ["first"]


def test_a_port_that_is_taken_is_a_failed_start(start: Start) -> None:
    service = start("""
async def serve(p):
    port = await p.listen("one", answer, "127.0.0.1", 0)
    await p.listen("two", answer, "127.0.0.1", port)
""")

    assert service.end() == 1
    assert any(line["event"] == "start_failed" for line in service.lines)


def test_a_signal_during_the_start_ends_it(start: Start) -> None:
    service = start("""
async def serve(p):
    p.on_stop("first", stopping("first"))
    log.info("waiting")
    await for_ever()
""")
    service.wait_for("waiting")

    service.process.terminate()

    assert service.end() == 0
    assert service.steps() == ["first"]


def test_a_step_that_fails_does_not_keep_the_others_from_theirs(start: Start) -> None:
    service = start("""
async def fail():
    raise RuntimeError("canary")

async def serve(p):
    p.on_stop("first", stopping("first"))
    p.on_stop("second", stopping("second", fail))
""")
    service.wait_for("started")

    service.process.terminate()

    assert service.end() == 0
    assert service.steps() == ["first"]


def test_steps_that_hang_end_with_the_process_in_time(start: Start) -> None:
    service = start("""
process._STOP_SECONDS = 1.0

async def serve(p):
    p.on_stop("first", stopping("first", for_ever))
    p.on_stop("second", stopping("second", for_ever))
""")
    service.wait_for("started")

    began = time.monotonic()
    service.process.terminate()

    assert service.end() == 1
    assert time.monotonic() - began < 5


def test_what_nobody_catches_is_told_without_its_message(start: Start) -> None:
    service = start("""
import threading

def fail():
    raise ValueError("canary")

class Fragile:
    def __del__(self):
        raise ValueError("canary")

async def serve(p):
    asyncio.get_running_loop().call_soon(fail)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    Fragile()
    p.stop()
""")

    assert service.end() == 0
    assert [line["event"] for line in service.lines].count("uncaught") == 2
    assert "canary" not in json.dumps(service.lines)
    assert service.process.stderr
    assert service.process.stderr.read() == ""
