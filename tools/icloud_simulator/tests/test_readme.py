"""The README's words, held against the simulator."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Template

import httpx
import pytest

from icloud_simulator.faults import Knobs
from icloud_simulator.simulator import Options, Simulator, running

pytestmark = pytest.mark.servers

_Send = Callable[[list[str]], tuple[int, str]]
_HERE = Path(__file__).parent
_README = (_HERE.parent / "README.md").read_text()
# What each answer holds, in the README's order.
_SEES = (
    "/20451177/principal/",
    "Privé",
    ".ics</href>",
    "",
    '"app_password":',
    '"etag":',
    "BEGIN:VEVENT",
    '"503":0.2',
    '"set":{}',
    '"bytes_out":',
)


def _commands() -> Iterator[list[str]]:
    """Yield the arguments of each curl command, variables filled in."""
    variables: dict[str, str] = {}
    for block in re.findall(r"```sh\n(.*?)```", _README, re.DOTALL):
        for line in _whole_lines(block):
            if line.startswith("curl "):
                yield shlex.split(Template(line).substitute(variables))[1:]
            else:
                for assignment in line.split("; "):
                    name, _, value = assignment.partition("=")
                    variables[name] = shlex.split(Template(value).substitute(variables))[0]


def _whole_lines(block: str) -> Iterator[str]:
    """Yield commands that go over several lines as one."""
    begun = ""
    for line in block.replace("\\\n", "").splitlines(keepends=True):
        begun += line
        if begun.count("'") % 2 == 0:
            yield begun.strip()
            begun = ""


def _by_curl(arguments: list[str]) -> tuple[int, str]:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl")
    ended = subprocess.run(
        [curl, "-sS", "--noproxy", "*", "-w", "\n%{http_code}", *arguments], capture_output=True, check=True, timeout=60
    )
    text, _, status = ended.stdout.decode().rpartition("\n")
    return int(status), text


def _by_httpx(arguments: list[str]) -> tuple[int, str]:
    rest = iter(arguments)
    method, url, body = None, "", None
    headers: dict[str, str] = {"content-type": "application/x-www-form-urlencoded"}
    login: httpx.BasicAuth | None = None
    for word in rest:
        match word:
            case "-u":
                login = httpx.BasicAuth(*next(rest).split(":", 1))
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(": ")
                headers[name.lower()] = value
            case "-d":
                body = next(rest)
            case _:
                url = word
    method = method or ("GET" if body is None else "POST")
    with httpx.Client(trust_env=False, auth=login) as client:
        answer = client.request(method, url, headers=headers, content=body)
    return answer.status_code, answer.text


@pytest.fixture(scope="module")
def demo() -> Iterator[Simulator]:
    with running(Options(demo=True)) as one:
        yield one


@pytest.mark.parametrize("send", [_by_curl, _by_httpx])
@pytest.mark.parametrize(("arguments", "sees"), list(zip(_commands(), _SEES, strict=True)), ids=_SEES)
def test_each_curl_example_works(demo: Simulator, arguments: list[str], sees: str, send: _Send) -> None:
    ports = {"http://127.0.0.1:8008": demo.url.rstrip("/"), "http://127.0.0.1:8009": demo.admin_url}
    there = [re.sub(r"^http://127\.0\.0\.1:800[89]", lambda match: ports[match.group()], word) for word in arguments]

    status, text = send(there)

    assert status in {200, 201, 204, 207}
    assert sees in text


def test_no_example_is_left_out() -> None:
    assert len(re.findall(r"^curl ", _README, re.MULTILINE)) == len(_SEES)


def test_the_python_example_works() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", _README, re.DOTALL)
    times = "from datetime import datetime\nstart, end = datetime(2026, 12, 1, 10), datetime(2026, 12, 1, 11)\n"

    ended = subprocess.run(
        [sys.executable, "-c", f"{times}{code}\nprint(href)"], capture_output=True, text=True, timeout=60, check=False
    )

    assert re.fullmatch(r"/\d+/calendars/home/[0-9A-F-]+\.ics\n", ended.stdout), ended.stderr


def test_every_test_that_is_named_exists_and_every_knob_is_named() -> None:
    named = set(re.findall(r"`(test_\w+)`", _README))
    defined = {
        name
        for path in _HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    in_tables = set(re.findall(r"`(\w+)`", "".join(line for line in _README.splitlines() if line.startswith("| `"))))

    assert named
    assert named <= defined
    assert Knobs.model_fields.keys() <= in_tables
