"""Whatever calendar object comes: only `Unreadable` gets out, nothing hangs, memory stays bounded.

FUZZ_RUNS sets how many objects are made up. One that fails is printed: it belongs into ics/.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers

PROGRAM = Path(__file__).with_name("fuzz_objects.py")
FILES = sorted((Path(__file__).parent / "ics").glob("*.ics"))
RUNS = 2_500  # a few seconds
MOST_MEGABYTES = 256  # of the whole process; Python with the domain and libFuzzer has 90
LIMITS = ["-seed=20261122", "-timeout=5", f"-rss_limit_mb={MOST_MEGABYTES}", "-len_control=0", "-max_len=4096"]
WORDS = [
    *("BEGIN:VEVENT\\n", "END:VEVENT\\n", "BEGIN:VTIMEZONE\\n", "END:VTIMEZONE\\n", "BEGIN:STANDARD\\n", "\\nUID:x\\n"),
    *("\\nDTSTART", "\\nDTEND", "\\nDURATION:", "\\nRRULE:FREQ=", "\\nRDATE", "\\nEXDATE", "\\nEXRULE:FREQ="),
    *("\\nRECURRENCE-ID", "\\nSEQUENCE:", "\\nSTATUS:", "\\nTRANSP:", "\\nATTENDEE", "\\nX-APPLE-TRAVEL-DURATION:"),
    *(";VALUE=DATE:", ";VALUE=PERIOD:", ";TZID=", ";RANGE=THISANDFUTURE", ";PARTSTAT=DECLINED", ":mailto:"),
    *("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY", ";COUNT=", ";UNTIL=", ";INTERVAL="),
    *(";BYDAY=", ";BYMONTHDAY=", ";BYYEARDAY=", ";BYWEEKNO=", ";BYMONTH=", ";BYSETPOS=", ";BYHOUR=", ";WKST=", "-1SU"),
    *("20260105T100000Z", "20260105T100000", "20260105", "00020101", "99981231T000000Z", "P1W", "PT1H", "-P999999999W"),
    *("Europe/Paris", "Pacific/Apia", "W. Europe Standard Time", "+2359", "-2359", "CANCELLED", "TRANSPARENT", "\\n "),
]


@pytest.fixture(scope="module")
def fuzzer() -> list[str]:
    """The fuzzer's command line; some platforms have none."""
    if subprocess.run([sys.executable, "-c", "import atheris"], capture_output=True, check=False).returncode:
        pytest.skip("atheris cannot be imported here")
    # By a shell that forks: a process inherits its parent's peak of memory, and pytest's own may be above the limit.
    return ["/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, str(PROGRAM)]


def test_only_unreadable_gets_out_whatever_object_comes_in(fuzzer: list[str], tmp_path: Path) -> None:
    corpus, words = tmp_path / "corpus", tmp_path / "words"
    corpus.mkdir()
    for file in FILES:
        (corpus / file.stem).write_bytes(file.read_bytes())
    words.write_text("".join(f'"{word}"\n'.replace("\\n", "\\x0a") for word in WORDS))
    runs = int(os.environ.get("FUZZ_RUNS", RUNS))

    bounds = [f"-runs={runs}", *LIMITS, f"-dict={words}", f"-artifact_prefix={tmp_path}/"]
    fuzzed = subprocess.run(
        [*fuzzer, str(corpus), *bounds],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=120 + runs / 20,
        check=False,
    )

    assert fuzzed.returncode == 0, fuzzed.stdout[-2_000:] + fuzzed.stderr[-4_000:]
    assert f"Done {runs} runs" in fuzzed.stderr
