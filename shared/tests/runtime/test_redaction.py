"""What is passed over at a glance holds nothing that a closer look would cover."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from runtime.logs import configure, get_logger
from runtime.redaction import _SECRET_TEXTS, REDACTED, redact

PASSWORD = "cana-rypa-sswo-rdxy"
PIECES = (
    *(" ", "\t", "\u00a0", "-", "_", ".", "/", ":", "://", "@", "%40", "%", "\n", "0123456789", "canary", "Canary"),
    *(
        "Bearer",
        "basic",
        "BA\u017fIC",
        "eyJ",
        "abcd",
        "abcdefghijklmnop",
        "12345",
        "\u0661\u0662\u0663\u0664\u0665",
        "BEGIN:V",
    ),
)


def looked_through(text: str) -> str:
    for pattern in _SECRET_TEXTS:
        text = pattern.sub(REDACTED, text)
    return text


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join))
def test_every_secret_is_seen_at_a_glance(text: str) -> None:
    told = redact(None, "info", {"event": text, "what": text, "several": [text]})

    assert told == {"event": looked_through(text), "what": looked_through(text), "several": [looked_through(text)]}


@pytest.mark.parametrize(
    "text",
    [
        "Basic\tdXNlcjpwYXNz",
        "BEARER\u00a0dXNlcjpwYXNz",
        "ba\u017fic dXNlcjpwYXNz",
        "eyJhbGci.eyJzdWIi.c2ln",
        PASSWORD,
        PASSWORD.replace("-", ""),
        "canary@icloud.com",
        "canary%40icloud.com",
        "https://canary:secret@icloud.com",
        "/20451177/",
        "/\u0662\u0660\u0664\u0665\u0661/",
        "BEGIN:VEVENT",
    ],
)
def test_a_secret_by_itself_is_seen_at_a_glance(text: str) -> None:
    told = redact(None, "info", {"event": text, "what": {"deep": [text]}})

    assert told["event"] == looked_through(text) != text
    assert told["what"] == {"deep": [looked_through(text)]}


@pytest.fixture
def heard(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure("DEBUG", "json")
    yield capsys
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = True
    structlog.reset_defaults()


def test_what_stands_in_the_place_of_the_moment_is_not_told(heard: pytest.CaptureFixture[str]) -> None:
    get_logger("tests").info("fact", at=PASSWORD)

    out = heard.readouterr().out
    assert PASSWORD not in out
    assert '"at": "2' in out
