import base64
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from pydantic import BaseModel, ValidationError

from runtime.logs import RepetitionLimit, configure, get_logger

PASSWORD = "cana-rypa-sswo-rdxy"
APPLE_ID = "canary.person@icloud.com"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure("DEBUG", "json")
    yield lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = True
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def test_a_fact_is_one_line_of_json_with_its_fields(lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(connection_id="c1")

    get_logger("tests").info("calendar_read", events=3, seconds=0.5)

    (line,) = lines()
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "calendar_read",
        "level": "info",
        "logger": "calsync.tests",
        "connection_id": "c1",
        "events": 3,
        "seconds": 0.5,
    }


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize(
    "text",
    [
        PASSWORD,
        PASSWORD.replace("-", ""),
        f"GET failed for {APPLE_ID}",
        f"https://{quote(APPLE_ID)}:{PASSWORD}@caldav.icloud.com/",
        f"Basic {base64.b64encode(f'{APPLE_ID}:{PASSWORD}'.encode()).decode()}",
        "https://p42-caldav.icloud.com/20451177/calendars/home/",
        "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl",
        "BEGIN:VCALENDAR\r\nSUMMARY:canary\r\nEND:VCALENDAR",
    ],
)
def test_what_looks_like_a_secret_is_covered_wherever_it_stands(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = get_logger("tests")

    log.warning("fact", text=text, nested={"list": [text, (text,)]}, strange=ValueError(text))
    logging.getLogger("some.library").warning("it said %s", text)

    out = capsys.readouterr().out
    for trace in (
        PASSWORD,
        PASSWORD.replace("-", ""),
        "canary",
        "20451177",
        "eyJ",
        base64.b64encode(b"canary").decode()[:6],
    ):
        assert trace not in out


@pytest.mark.parametrize(
    "name", ["password", "app_password", "apple_id", "authorization", "token", "title", "summary", "ics", "principal"]
)
def test_fields_named_like_secrets_are_covered(lines: Lines, name: str) -> None:
    get_logger("tests").info("fact", **{name: "Dinner"}, nested={name: ["Dinner"]})

    (line,) = lines()
    assert line[name] == "[redacted]"
    assert line["nested"] == {name: "[redacted]"}


@pytest.mark.parametrize(("before", "after"), [("", ""), ("@ ", " @"), ("someone@me.com ", "")])
def test_a_long_word_is_looked_through_in_no_time(lines: Lines, before: str, after: str) -> None:
    word = "x" * 30_000
    began = process_time()

    get_logger("tests").info("fact", word=f"{before}{word}{after}")

    # Read on from each of its letters to its end, it took six seconds.
    assert process_time() - began < 1
    assert word in lines()[0]["word"]


def test_fields_that_only_sound_like_secrets_stay(lines: Lines) -> None:
    get_logger("tests").info("fact", topics=["icloud.events.v1"], metrics="on", tokens_left=3)

    (line,) = lines()
    assert (line["topics"], line["metrics"], line["tokens_left"]) == (["icloud.events.v1"], "on", 3)


class Credential(BaseModel):
    number: int


def test_an_error_is_told_by_type_and_place_without_what_it_quotes(lines: Lines) -> None:
    try:
        try:
            Credential.model_validate({"number": "canary"})
        except ValidationError as inner:
            raise RuntimeError("canary") from inner
    except RuntimeError:
        get_logger("tests").exception("failed")

    (line,) = lines()
    assert "canary" not in json.dumps(line)
    assert [error["type"] for error in line["error"]] == [
        "builtins.RuntimeError",
        "pydantic_core._pydantic_core.ValidationError",
    ]
    assert "test_logs.py" in line["error"][0]["at"][0]


def test_errors_of_machines_say_what_they_met(lines: Lines) -> None:
    get_logger("tests").warning("failed", exc_info=ConnectionRefusedError(111, "refused"))

    (line,) = lines()
    assert line["error"][0]["message"] == "[Errno 111] refused"


def test_errors_in_groups_are_told_one_by_one(lines: Lines) -> None:
    group = ExceptionGroup("canary", [ValueError("canary"), TimeoutError()])

    get_logger("tests").error("failed", exc_info=group)

    (line,) = lines()
    assert "canary" not in json.dumps(line)
    assert [inner["type"] for inner in line["error"][0]["errors"]] == ["builtins.ValueError", "builtins.TimeoutError"]


def test_libraries_do_not_chatter_at_our_debug_level(lines: Lines) -> None:
    for library in ("aiokafka.producer.producer", "pymongo.command", "httpx", "asyncio"):
        logging.getLogger(library).debug("Sending (key=%s value=%s)", "canary", "canary")
        logging.getLogger(library).info("canary")

    assert lines() == []


def test_a_library_that_repeats_itself_is_heard_once_a_minute_and_told_how_often_it_was_not() -> None:
    now = 0.0
    limit = RepetitionLimit(lambda: now)
    told: list[logging.LogRecord] = []
    for second in range(181):
        now = float(second)
        flood = [_said("aiokafka", "Unable connect to node with id %s: %s", second, port) for port in range(60)]
        told += [record for record in flood if limit.filter(record)]

    assert [vars(record).get("left_out") for record in told] == [None, 3599, 3599, 3599]


def test_what_a_library_says_in_other_words_or_of_another_error_is_heard() -> None:
    limit = RepetitionLimit(lambda: 0.0)
    lines = [
        _said("aiokafka", "Failed fetch messages from %s", 1),
        _said("aiokafka", "Heartbeat failed: %r", 1),
        _said("aiokafka.conn", "Heartbeat failed: %r", 1),
        _said("uvicorn.error", "Exception in ASGI application", error=KeyError("a")),
        _said("uvicorn.error", "Exception in ASGI application", error=ValueError("b")),
    ]

    told = [limit.filter(line) for line in lines + lines]

    assert told == [True] * 5 + [False] * 5


def test_a_library_whose_words_are_never_the_same_is_bounded_too() -> None:
    now = 0.0
    limit = RepetitionLimit(lambda: now)

    first = sum(limit.filter(_said("asyncio", f"Task {number} exception was never retrieved")) for number in range(999))
    now = 60.0
    later = sum(limit.filter(_said("asyncio", f"Task {number} exception was never retrieved")) for number in range(999))

    assert (first, later) == (201, 201)


def test_what_we_say_ourselves_is_never_left_out(lines: Lines) -> None:
    for _ in range(3):
        get_logger("tests").warning("again_later", partition=1)
        logging.getLogger("aiokafka").error("Unable connect to %s", "canary.person@icloud.com")

    told = lines()
    assert [line["logger"] for line in told] == ["calsync.tests", "aiokafka", "calsync.tests", "calsync.tests"]
    assert "canary" not in json.dumps(told)


def test_what_we_say_goes_where_the_libraries_go(lines: Lines) -> None:
    logging.getLogger().handlers[:] = [logging.NullHandler()]

    get_logger("tests").error("not_heard")

    assert lines() == []


def test_what_cannot_be_told_stops_nobody(lines: Lines) -> None:
    class Mute:
        def __str__(self) -> str:
            raise ValueError("canary")

    get_logger("tests").error("not_heard", what=Mute())
    get_logger("tests").error("heard")

    assert [line["event"] for line in lines()] == ["heard"]


def test_how_many_lines_were_left_out_stands_in_the_next_one(lines: Lines) -> None:
    handler = next(one for one in logging.getLogger().handlers if one.filters)
    handler.filters[:] = [RepetitionLimit(iter((0.0, 1.0, 2.0, 60.0)).__next__)]

    for _ in range(4):
        logging.getLogger("aiokafka").error("Unable connect to %s", "a server")

    told = lines()
    assert [line.get("left_out") for line in told] == [None, 2]


def _said(logger: str, template: str, *fields: object, error: Exception | None = None) -> logging.LogRecord:
    known = None if error is None else (type(error), error, None)
    return logging.LogRecord(logger, logging.ERROR, "a/file.py", 1, template, fields, known)


def test_warnings_of_python_are_logged(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("something old", DeprecationWarning, stacklevel=1)

    (line,) = lines()
    assert line["logger"] == "py.warnings"


@pytest.mark.usefixtures("lines")
def test_people_get_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO", "console")

    get_logger("tests").info("calendar_read", apple_id=APPLE_ID)

    out = capsys.readouterr().out
    assert "calendar_read" in out
    assert "canary" not in out
