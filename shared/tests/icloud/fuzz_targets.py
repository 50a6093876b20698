"""What is fuzzed, and what must hold whatever comes in. Run as a program: libFuzzer ends its process.

python fuzz_targets.py TARGET [arguments of libFuzzer]
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import atheris  # type: ignore[import-untyped]  # it has no types

with atheris.instrument_imports(include=["icloud"]):
    from icloud import CalendarObject, CredentialsRejected, NotUnderstood, TryLater, paths
    from icloud.gate import Gate, Target, UrlRefused
    from icloud.inflate import Body
    from icloud.judgement import Host, Refusal, Step, judged, retry_after
    from icloud.wire import answers, multistatus
    from icloud.wire.calendars import listed_calendars

HOME = "/20451177/calendars/"
CALENDAR = f"{HOME}home/"
ASKED = frozenset(f"{CALENDAR}{name}.ics" for name in ("A1", "B2", "C3", "D4", "E5", "F6", "jane@example.com"))
TRUSTED = (".icloud.com", "127.0.0.1", "::1")
PORTS = {"http": 80, "https": 443}
GATE = Gate(("icloud.com", "127.0.0.1:8080", "[::1]"))
BASE = Target("https://caldav.icloud.com:443", "/20451177/principal/")
MOST = 20_000


def answer(data: bytes) -> None:
    """A body, read as the answer to each kind of question."""
    for read in (as_refusal, as_discovery, as_changes, as_listing, as_objects, as_home):
        with suppress(NotUnderstood, TryLater):
            read(data)


def as_refusal(data: bytes) -> None:
    assert all(name and "}" not in name for name in multistatus.conditions(data))


def as_discovery(data: bytes) -> None:
    for read in (answers.principal, answers.home_set, answers.exists):
        with suppress(NotUnderstood, TryLater):
            read(data, base=CALENDAR)


def as_changes(data: bytes) -> None:
    page = answers.changes(data, path=CALENDAR, base=CALENDAR)
    assert page.token
    assert not page.removed.intersection(page.changed)
    assert all(href.startswith(CALENDAR) for href in (*page.changed, *page.removed))


def as_listing(data: bytes) -> None:
    listed = answers.listing(data, path=CALENDAR, base=CALENDAR)
    assert all(href.startswith(CALENDAR) for href in listed)
    assert all(etag.isascii() and etag.isprintable() for etag in listed.values())


def as_objects(data: bytes) -> None:
    for href, found in answers.objects(data, asked=ASKED, most=MOST, base=CALENDAR).items():
        assert href == found.href
        assert not isinstance(found, CalendarObject) or 0 < len(found.text.encode()) <= MOST


def as_home(data: bytes) -> None:
    for calendar in listed_calendars(data, home=HOME, base=HOME):
        assert calendar.path.startswith("/")
        assert calendar.path.endswith("/")
        assert calendar.name
        assert calendar.supported == (calendar.reason is None)


def url(data: bytes) -> None:
    """A URL or an href that a server names."""
    text = data[1:].decode(errors="replace")
    base = BASE if data[:1] < b"\x80" else None
    with suppress(UrlRefused):
        sent = GATE.admit(text, base=base).url()
        other = urlsplit(str(sent))
        assert (sent.scheme, sent.raw_host, sent.port) == (
            other.scheme,
            other.hostname,
            other.port or PORTS[sent.scheme],
        )
        assert sent.user is None
        assert f".{sent.raw_host}".endswith(TRUSTED)
        assert (sent.scheme, sent.port) == ("https", 443) or sent.raw_host in {"127.0.0.1", "::1"}
    with suppress(NotUnderstood):
        path = paths.decoded(text, base=CALENDAR)
        assert path.startswith("/")
        assert paths.decoded(f"https://caldav.icloud.com{paths.encoded(path)}") == path
    told = paths.told(text, base=CALENDAR)
    assert paths.decoded(paths.encoded(told)) == told if paths.is_askable(told) else told.startswith(CALENDAR)


def head(data: bytes) -> None:
    """What stands in heads: Retry-After, Date, Content-Encoding; and status lines inside of bodies."""
    provider = atheris.FuzzedDataProvider(data)
    text = partial(provider.ConsumeUnicode, 60)  # surrogates too: that is how stray bytes in a head arrive
    wait = retry_after({"Retry-After": text(), "Date": text()})
    assert wait is None or timedelta(minutes=1) <= wait <= timedelta(hours=2)
    step, host = provider.PickValueInList(list(Step)), provider.PickValueInList(list(Host))
    status = provider.ConsumeIntInRange(100, 999)
    error = judged(step, host, Refusal(status, frozenset({text()}), wait, names_another=provider.ConsumeBool()))
    assert isinstance(error, CredentialsRejected) == (status == 401 and host is not Host.OTHER)
    with suppress(NotUnderstood, TryLater):
        body = Body(provider.PickValueInList(["gzip", "", text()]), most=MOST)
        while provider.remaining_bytes() > 100:
            body.add(provider.ConsumeBytes(97))
        assert len(body.end()) <= MOST
    inside = escape(provider.ConsumeUnicodeNoSurrogates(60))
    with suppress(NotUnderstood, TryLater):
        written = f'<multistatus xmlns="DAV:"><response><status>{inside}</status></response></multistatus>'
        for response in answers.responses(written.encode(), "/"):
            assert response.status is None or 0 <= response.status <= 999


TARGETS: dict[str, Callable[[bytes], None]] = {"answer": answer, "url": url, "head": head}

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
