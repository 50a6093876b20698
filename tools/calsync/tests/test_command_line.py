"""How the command is called and how it ends, without any server."""

import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from io import StringIO

import pytest
from tools.calsync.tests.world import calsync

from calsync.app import hoisted
from calsync.connection_states import State
from calsync.ends import Misuse
from calsync.reasons import span_of
from calsync.report import tell
from calsync.session import Session
from connector.domain.connection import State as Living
from connector.outbound.mongo.documents import DISCONNECTED

COMMANDS = (
    "connection",
    "why",
    "leases",
    "pending",
    "removals",
    "quarantine",
    "dead-letters",
    "budget",
    "keys",
    "erase",
)


def test_help_names_every_command() -> None:
    said = calsync({}, "--help")

    assert said.code == 0
    assert [one for one in (*COMMANDS, "verify", "topics", "audit") if one not in said.out] == []


def test_help_waits_for_no_driver() -> None:
    heavy = ("motor", "aiokafka", "aiohttp", "faststream", "structlog")
    look = "import sys, calsync.app; print([one for one in sys.argv[1:] if one in sys.modules])"

    found = subprocess.run([sys.executable, "-c", look, *heavy], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ("connexion",),
        ("connection", "show"),
        ("connection", "resync", "c-1", "--how", "thoroughly"),
        ("connection", "renew"),
        ("connection", "renew", "c-1", "--all"),
        ("connection", "renew", "c-1", "--per-second", "0"),
        ("connection", "retell"),
        ("connection", "retell", "c-1", "--all"),
        ("connection", "retell", "--all", "--limit", "0"),
        ("budget", "set", "fast"),
        ("dead-letters", "replay"),
        ("why", "usr-1", "tomorrow"),
        ("erase", "--account", "acc-1"),
        ("erase", "c-1", "--account", "acc-1", "--user", "usr-1"),
    ],
    ids=str,
)
def test_misuse_is_told_with_what_to_do_instead(arguments: tuple[str, ...]) -> None:
    said = calsync({}, *arguments)

    assert (said.code, said.out) == (2, "")
    assert said.err


def test_a_state_that_no_connection_has_is_refused_with_those_that_there_are() -> None:
    said = calsync({}, "connection", "list", "--state", "nonsense")

    assert (said.code, said.out) == (2, "")
    assert [one for one in State if one not in said.err] == []


def test_the_states_are_the_connectors() -> None:
    assert {*State} == {*(one.value for one in Living), DISCONNECTED}


def test_a_table_whose_columns_are_narrow_has_its_name_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    tell({"connections": {"over": 1}}, as_json=False)

    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["connections"], ["over", "1"]]


@pytest.mark.parametrize("command", ["why", "disconnect", "erase"])
@pytest.mark.parametrize("token", ["first.half\nother.half", "two words", "ключ"])
def test_what_cannot_be_a_token_is_refused_before_anybody_is_asked(command: str, token: str) -> None:
    nowhere = {
        "CALSYNC_MONGODB_URL": "mongodb://127.0.0.1:1/?directConnection=true",
        "CALSYNC_CONNECTOR_URL": "http://127.0.0.1:1",
        "CALSYNC_AVAILABILITY_URL": "http://127.0.0.1:1",
        "CALSYNC_ADMIN_TOKEN": token,
    }
    typed = {
        "why": ("why", "usr-1", "2026-03-02"),
        "disconnect": ("connection", "disconnect", "c-1", "--yes"),
        "erase": ("erase", "c-1", "--yes"),
    }

    said = calsync(nowhere, *typed[command])

    assert (said.code, said.out) == (2, "")
    assert "CALSYNC_ADMIN_TOKEN: the token is no token" in said.err
    assert [part for part in token.split() if part in said.err] == []


def test_each_command_asks_for_the_settings_that_it_uses_and_tells_none_of_their_values() -> None:
    wrong = {"CALSYNC_MONGODB_URL": "mysql://anna:geheim@db/"}

    look = calsync(wrong, "pending")
    http = calsync(wrong, "why", "usr-1", "2026-03-02")
    topics = calsync(wrong, "topics", "diff")

    assert [said.code for said in (look, http, topics)] == [2, 2, 2]
    assert "CALSYNC_MONGODB_URL" in look.err
    assert "CALSYNC_KAFKA" not in look.err
    assert {"CALSYNC_AVAILABILITY_URL", "CALSYNC_ADMIN_TOKEN"} <= set(http.err.replace(":", " ").split())
    assert "CALSYNC_MONGODB" not in http.err + topics.err
    assert "geheim" not in look.err + http.err + topics.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("pending",), "MongoDB"),
        (("topics", "diff"), "Kafka"),
        (("why", "usr-1", "2026-03-02"), "http://127.0.0.1:1"),
    ],
)
def test_who_cannot_be_reached_is_named(arguments: tuple[str, ...], named: str) -> None:
    nowhere = {
        "CALSYNC_MONGODB_URL": "mongodb://127.0.0.1:1/?directConnection=true",
        "CALSYNC_MONGODB_TIMEOUT": "PT0.2S",
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "CALSYNC_AVAILABILITY_URL": "http://127.0.0.1:1/",
        "CALSYNC_ADMIN_TOKEN": "token",
    }

    said = calsync(nowhere, *arguments)

    assert (said.code, said.out) == (3, "")
    assert named in said.err


def test_options_for_all_may_stand_anywhere() -> None:
    typed = ["connection", "--json", "list", "--account", "a", "--as", "anna", "-y", "--", "--json"]

    assert hoisted(typed) == ["--json", "--as", "anna", "--yes", "connection", "list", "--account", "a", "--", "--json"]


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("n\n", False), ("", False)])
def test_somebody_at_a_terminal_is_asked(answer: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a column of the table
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    session = Session({}, as_json=False, yes=False, named=None)

    with nullcontext() if goes_on else pytest.raises(Misuse, match="Nothing was changed"):
        session.confirm("Pause it?")


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026-03-02", (0, 24)),
        ("2026-03-02T09:00Z/2026-03-02T17:00Z", (9, 17)),
        ("2026-03-02T09:00+01:00/PT8H", (8, 16)),
    ],
)
def test_a_span_is_a_day_or_begins_and_ends(text: str, hours: tuple[int, int]) -> None:
    start, end = span_of(text)

    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    assert tuple((moment - midnight).total_seconds() / 3600 for moment in (start, end)) == hours


@pytest.mark.parametrize(
    "text", ["", "2026-13-02", "2026-03-02T09:00/PT8H", "2026-03-02T09:00Z/PT0S", "2026-03-02T09:00Z/x"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="SPAN"):
        span_of(text)
