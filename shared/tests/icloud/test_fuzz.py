"""Whatever comes off the wire: only the declared errors get out, nothing hangs, memory stays bounded.

FUZZ_RUNS sets how many inputs each target gets; a million take about ten minutes. An input that fails is printed.
"""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from icloud.judgement import Step

pytestmark = pytest.mark.servers

PROGRAM = Path(__file__).with_name("fuzz_targets.py")
GOLDEN = Path(__file__).with_name("golden")
# What takes a few seconds each, twenty on a busy machine for all of them.
RUNS = {"answer": 6_000, "url": 40_000, "head": 30_000}
MOST_MEGABYTES = 256  # of the whole process; Python with the client and libFuzzer has 75
LIMITS = ["-seed=20261122", "-timeout=10", f"-rss_limit_mb={MOST_MEGABYTES}", "-len_control=0"]
URLS = """https://caldav.icloud.com/
https://p42-caldav.icloud.com:443/20451177/calendars/
http://127.0.0.1:8080/a?b=c#d
http://[::1]:5232/x%40y/
https://user:pass@icloud.com/
https://icloud.com.evil.example/
//p42-caldav.icloud.com/a
/20451177/calendars/home/jane%40example.com.ics
../a%2Fb/./c;d?e
https://[::ffff:10.0.0.1]/
https://2130706433/
A1 %C3%A9.ics"""
DATE = b"Sun, 22 Nov 2026 10:05:00 GMT"
WORDS = [
    *("<multistatus xmlns='DAV:'>", "</multistatus>", "<response>", "</response>", "<href>", "</href>", "<propstat>"),
    *("</propstat>", "<prop>", "</prop>", "<status>", "</status>", "HTTP/1.1 200 OK", "HTTP/1.1 404 X", "HTTP/1.1 507"),
    *("<sync-token>", "</sync-token>", "<getetag>", "</getetag>", "<![CDATA[", "]]>", "<!--", "-->", "<?", "?>"),
    *("<!DOCTYPE", "&#13;", "&amp;", "%2F", "%40", "@", "None", "/20451177/calendars/home/", "https://", ".icloud.com"),
    *("xmlns:C='urn:ietf:params:xml:ns:caldav'", "<calendar/>", "<error>", "</error>", "gzip", "GMT", "2026", "\\xff"),
]


def seeds(target: str) -> list[bytes]:
    if target == "answer":
        return [file.read_bytes() for file in sorted(GOLDEN.iterdir())]
    if target == "url":
        return [half + line.encode() for line in URLS.splitlines() for half in (b"\x00", b"\xff")]
    packed = gzip.compress(b"x" * 50_000)
    return [DATE + b"\x00" * 31 + DATE + packed + bytes([step.value]) * 9 for step in Step]


@pytest.fixture(scope="module")
def fuzzer() -> list[str]:
    """The fuzzer's command line; some platforms have none."""
    if subprocess.run([sys.executable, "-c", "import atheris"], capture_output=True, check=False).returncode:
        pytest.skip("atheris cannot be imported here")
    # By a shell that forks: a process inherits its parent's peak of memory, and pytest's own may be above the limit.
    return ["/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, str(PROGRAM)]


@pytest.mark.parametrize("target", RUNS)
def test_only_declared_errors_get_out_whatever_comes_in(fuzzer: list[str], target: str, tmp_path: Path) -> None:
    corpus, words = tmp_path / "corpus", tmp_path / "words"
    corpus.mkdir()
    for number, seed in enumerate(seeds(target)):
        (corpus / f"{number:03}").write_bytes(seed)
    words.write_text("".join('"{}"\n'.format(word.replace('"', '\\"')) for word in WORDS))
    runs = int(os.environ.get("FUZZ_RUNS", RUNS[target]))

    bounds = [f"-runs={runs}", *LIMITS, f"-dict={words}", f"-artifact_prefix={tmp_path}/"]
    fuzzed = subprocess.run(
        [*fuzzer, target, str(corpus), *bounds],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=120 + runs / 100,
        check=False,
    )

    assert fuzzed.returncode == 0, fuzzed.stdout[-2_000:] + fuzzed.stderr[-4_000:]
    assert f"Done {runs} runs" in fuzzed.stderr
