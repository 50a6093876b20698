from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from icloud.wire import requests

ALL = [
    requests.principal(),
    requests.home_set(),
    requests.calendars(),
    requests.existence(),
    requests.changes("HwoQ<&>=="),
    requests.listing(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)),
    requests.objects(["/1/home/jane@example.com.ics", "/1/home/a & b.ics"]),
]


@pytest.mark.parametrize("request_", ALL, ids=lambda request: request.method)
def test_bodies_begin_at_byte_zero_and_are_well_formed(request_: requests.Request) -> None:
    assert request_.body.startswith(b"<")
    assert etree.fromstring(request_.body) is not None
    assert request_.headers["Content-Type"] == "application/xml; charset=utf-8"


def test_nothing_that_icloud_answers_wrongly_is_ever_asked() -> None:
    bodies = b"".join(request.body for request in ALL)

    assert not any(
        word in bodies for word in (b"allprop", b"expand", b"free-busy", b"text-match", b"VTODO", b"VJOURNAL")
    )


def test_a_listing_asks_in_utc_for_events() -> None:
    paris = timezone(timedelta(hours=1))
    request = requests.listing(datetime(2026, 11, 1, 1, tzinfo=paris), datetime(2027, 2, 1, tzinfo=UTC))

    assert (
        b'<C:comp-filter name="VEVENT"><C:time-range start="20261101T000000Z" end="20270201T000000Z"/>' in request.body
    )
    with pytest.raises(ValueError, match="zone"):
        requests.listing(datetime(2026, 11, 1), datetime(2027, 2, 1, tzinfo=UTC))  # noqa: DTZ001 -- that is the point


def test_hrefs_and_tokens_are_escaped_for_the_wire() -> None:
    assert b"<sync-token>HwoQ&lt;&amp;&gt;==</sync-token>" in ALL[4].body
    assert b"<href>/1/home/jane@example.com.ics</href><href>/1/home/a%20&amp;%20b.ics</href>" in ALL[6].body


def test_a_write_always_says_over_what() -> None:
    assert requests.put("x", if_match=None).headers["If-None-Match"] == "*"
    assert requests.put("x", if_match='"a"').headers["If-Match"] == '"a"'
    assert requests.delete(if_match='"a"').headers == {"If-Match": '"a"'}
    assert requests.delete(if_match=None).headers == {}
