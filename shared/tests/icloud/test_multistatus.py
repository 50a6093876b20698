import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.tests.icloud.scripted import golden

from icloud import NotUnderstood, TryLater
from icloud.wire.multistatus import NextToken, Response, conditions, read
from memory import forget_peak, peak_bytes

START = b'<?xml version="1.0"?><multistatus xmlns="DAV:">'
ONE = b"<response><href>/1/home/</href><status>HTTP/1.1 404 Not Found</status></response>"
END = b"</multistatus>"


def parts(body: bytes | bytearray) -> list[tuple[str, int | None] | str]:
    return [
        part.token if isinstance(part, NextToken) else (part.path, part.status) for part in read(body, base="/1/home/")
    ]


FORMS = {
    "default namespace": b'<multistatus xmlns="DAV:"><response><href>/1/home/a.ics</href>'
    b"<status>HTTP/1.1 200 OK</status></response></multistatus>",
    "prefixes": b"<D:multistatus xmlns:D='DAV:'><D:response><D:href>/1/home/a.ics</D:href>"
    b"<D:status>HTTP/1.1 200 OK</D:status></D:response></D:multistatus>",
    "prolog, comments, CDATA": b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8" standalone="yes"?>'
    b"\n\n<!-- x -->"
    b'<?pi?>\n<multistatus xmlns="DAV:"><response xmlns="DAV:"> <href xmlns="DAV:"> <![CDATA[/1/home/a.ics]]> </href>'
    b"<!-- x --><status>HTTP/1.1  200</status></response></multistatus>\n\n",
    "absolute href": b'<x:multistatus xmlns:x="DAV:"><x:response><x:href>https://p1.icloud.com:443/1/home/a.ics</x:href>'
    b"<x:status>HTTP/2 200 OK</x:status></x:response></x:multistatus>",
    "relative href": b'<multistatus xmlns="DAV:"><response><href>a.ics</href><status>HTTP/1.1 200 OK</status>'
    b"</response></multistatus>",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_lawful_form_of_an_answer_is_read_alike(form: str) -> None:
    assert parts(FORMS[form]) == [("/1/home/a.ics", 200)]


def test_properties_are_found_only_where_the_server_has_them() -> None:
    body = (
        START + b"<response><href>/1/home/</href>"
        b"<propstat><prop><displayname>Home</displayname></prop><status>HTTP/1.1 200 OK</status></propstat>"
        b"<propstat><prop><displayname/><sync-token/></prop><status>HTTP/1.1 404 Not Found</status></propstat>"
        b"<propstat><prop><getetag>x</getetag></prop></propstat></response>" + END
    )

    (response,) = (
        (part.text("{DAV:}displayname"), dict(part.failed))
        for part in read(body, base="/")
        if isinstance(part, Response)
    )

    assert response == ("Home", {"{DAV:}displayname": 404, "{DAV:}sync-token": 404, "{DAV:}getetag": 0})


def test_only_the_answers_own_responses_and_token_count() -> None:
    body = (
        START + b"<response><href>/1/home/</href><propstat><prop><sync-token>of the calendar</sync-token>"
        b"<x><response><href>/1/evil/</href></response></x></prop><status>HTTP/1.1 200 OK</status></propstat>"
        b"</response><sync-token> of the answer </sync-token>" + END
    )

    assert parts(body) == [("/1/home/", None), "of the answer"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_answer"),
        (b"\n", "not_xml"),
        (b"OK", "not_xml"),
        (b"<!doctype html><html><body>Sign in</body></html>", "doctype"),
        (b"<html><body>Unsupported Request</body></html>", "not_multistatus"),
        (b"<html><body>Sign in<br></body></html>", "not_xml"),
        (b'{"error": 1}', "not_xml"),
        (b"<multistatus/>", "not_multistatus"),
        (b'<multistatus xmlns="dav:"/>', "not_multistatus"),
        (b'<error xmlns="DAV:"><valid-sync-token/></error>', "not_multistatus"),
        (START + ONE + b"</response>" + END, "not_xml"),
        (START + b"&undefined;" + END, "not_xml"),
        (START + b"\xff" + END, "not_xml"),
        (START + b"\x00" + END, "not_xml"),
        (START + ONE + END + b"<more/>", "not_xml"),
        (START.decode().encode("utf-16") + END.decode().encode("utf-16-le"), "not_xml"),
        (b'<?xml version="1.0" encoding="utf-7"?>+ADw-multistatus', "not_xml"),
    ],
)
def test_what_is_no_multistatus_is_not_understood(body: bytes, reason: str) -> None:
    with pytest.raises(NotUnderstood) as error:
        parts(body)

    assert error.value.reason == reason


def test_an_answer_cut_short_anywhere_is_never_half_of_the_truth() -> None:
    body = golden("changes.xml").rstrip()

    for length in range(len(body)):
        with pytest.raises((NotUnderstood, TryLater)):
            parts(body[:length])


def test_an_answer_cut_short_in_the_middle_is_to_be_asked_again() -> None:
    with pytest.raises(TryLater) as error:
        parts(golden("calendars.xml")[:3000])

    assert (error.value.reason, error.value.after) == ("cut_short", None)


@pytest.mark.parametrize(
    "attack",
    [
        b'<!DOCTYPE multistatus [<!ENTITY x SYSTEM "file:///etc/passwd">]><multistatus xmlns="DAV:">&x;</multistatus>',
        b'<!DOCTYPE multistatus SYSTEM "http://127.0.0.1:1/x.dtd"><multistatus xmlns="DAV:"/>',
        b'<?xml version="1.0"?><!-- <a> --><?p <a>?>\n<!DOCTYPE x><multistatus xmlns="DAV:"/>',
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><multistatus xmlns="DAV:"/>',
    ],
)
def test_any_doctype_is_refused(attack: bytes) -> None:
    with pytest.raises(NotUnderstood, match="doctype"):
        parts(attack)


# Built one at a time: together they would be 200 MB.
BOMBS: dict[str, Callable[[], bytes]] = {
    "elements in one response": lambda: START + b"<response>" + b"<a/>" * 4_000_000 + b"</response>" + END,
    "elements beside the responses": lambda: START + b"<a/>" * 4_000_000 + END,
    "attributes in one tag": lambda: START + b"<a " + b" ".join(b'a%d=""' % n for n in range(1_500_000)) + b"/>" + END,
    "attributes in many tags": lambda: START + (b"<a" + b"".join(b" a%d=''" % n for n in range(2_000)) + b"/>") * 800,
    "deep nesting": lambda: START + b"<response>" + b"<a>" * 1_000_000,
    "one long text": lambda: START + b"<response><href>" + b"a" * 15_000_000 + b"</href></response>" + END,
    "one long comment": lambda: START + b"<!--" + b"a" * 15_000_000 + b"-->" + END,
    "a prolog without end": lambda: b"<?x?>" * 3_000_000,
    "spaces without end": lambda: b" " * 15_000_000,
    "a tag without end": lambda: START + b"<" + b"a" * 15_000_000,
    "only brackets": lambda: START + b"<" * 15_000_000,
    "empty attributes without end": lambda: START + b"<a " + b"= " * 7_000_000,
    "a text of short lines": lambda: START + b"<response><href>" + b"ab\n" * 5_000_000 + b"</href></response>" + END,
    "a text of references": lambda: START + b"<response><href>" + b"ab&amp;" * 2_000_000 + b"</href></response>" + END,
    "names of elements": lambda: in_responses(b"<a%d/>", 1_000_000),
    "names of attributes": lambda: in_responses(b"<a b%d=''/>", 1_000_000),
    "namespaces": lambda: in_responses(b"<a xmlns='u:%d'/>", 800_000),
    "prefixes": lambda: in_responses(b"<a xmlns:p%d='DAV:'/>", 600_000),
}


def in_responses(form: bytes, count: int) -> bytes:
    """An answer with so many elements, no two alike, in responses none of which is too large."""
    some = (b"".join(form % n for n in range(start, start + 5_000)) for start in range(0, count, 5_000))
    return START + b"".join(b"<response>" + each + b"</response>" for each in some) + END


@pytest.mark.parametrize("name", BOMBS)
def test_xml_bombs_are_refused_quickly_and_cheaply(name: str) -> None:
    bomb = bytearray(BOMBS[name]())
    before = forget_peak()
    began = time.process_time()

    with pytest.raises((NotUnderstood, TryLater)):
        parts(bomb)

    assert time.process_time() - began < 1.0  # 300 ms on a machine of one's own
    assert peak_bytes() - before < 20_000_000


def test_names_are_forgotten_with_the_answer_that_bore_them() -> None:
    def odd(nth: int) -> bytes:
        return START + b"".join(b"<%s%d/>" % (b"a" * 1_900, nth * 32 + n) for n in range(32)) + END

    parts(odd(0))
    before = forget_peak()

    for nth in range(500):
        parts(odd(nth))

    assert peak_bytes() - before < 5_000_000  # of 30 MB of names


def test_a_large_answer_may_hold_every_name_that_there_is() -> None:
    one = b"".join(b"<a%d b%d=''/>" % (n, n) for n in range(250))
    body = START + b"".join(b"<response>" + one + b"</response>" for _ in range(20)) + END

    assert len(parts(body)) == 20


@pytest.mark.parametrize("cut", range(11))
def test_a_text_without_markup_may_be_long_wherever_it_is_cut(cut: int) -> None:
    start = START + b"<response><propstat><status>HTTP/1.1 200 OK</status><prop><displayname>"
    # So that so many bytes of `<![CDATA[` come with the first slice.
    spaces = b" " * (65_536 - cut - len(start))
    end = b"]]></displayname></prop></propstat></response>" + END

    (part,) = read(start + spaces + b"<![CDATA[" + b"a" * 1_000_000 + end, base="/")

    assert isinstance(part, Response)
    assert part.text("{DAV:}displayname") == "a" * 1_000_000


def test_a_large_answer_is_read_response_by_response() -> None:
    one = (
        b"<response><href>/1/home/%d.ics</href><propstat><prop><getetag>&quot;%d&quot;</getetag></prop>"
        b"<status>HTTP/1.1 200 OK</status></propstat></response>\n"
    )
    body = START + b"".join(one % (n, n) for n in range(50_000)) + b"<sync-token>t</sync-token>" + END
    before = forget_peak()

    count = sum(1 for _ in read(body, base="/"))

    assert count == 50_001
    assert peak_bytes() - before < 20_000_000


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'<?xml version="1.0"?><error xmlns="DAV:"><valid-sync-token/></error>', {"valid-sync-token"}),
        (
            b"<d:error xmlns:d='DAV:'><c:no-uid-conflict xmlns:c='urn:ietf:params:xml:ns:caldav'/><x/></d:error>",
            {"no-uid-conflict", "x"},
        ),
        (b"", set()),
        (b"<html><center>AppleHttpServer/1</center></html>", set()),
        (b'<!DOCTYPE error><error xmlns="DAV:"><valid-sync-token/></error>', set()),
        (b'<error xmlns="DAV:"><valid-sync-token/>', set()),
        (b"<error><valid-sync-token/></error>", set()),
        (b'<error xmlns="DAV:">' + b"<a/>" * 60_000 + b"</error>", set()),
    ],
)
def test_preconditions_are_read_from_a_refusal_or_nothing_is(body: bytes, named: set[str]) -> None:
    assert conditions(body) == named


XML = st.lists(
    st.sampled_from(
        [
            START,
            END,
            ONE,
            b"<response>",
            b"</response>",
            b"<href>",
            b"</href>",
            b"<propstat>",
            b"</propstat>",
            b"<prop>",
            b"</prop>",
            b"<status>HTTP/1.1 200 OK</status>",
            b"<sync-token>t</sync-token>",
            b"<getetag>e</getetag>",
            b"<![CDATA[",
            b"]]>",
            b"<!--",
            b"-->",
            b"<!DOCTYPE a>",
            b"&amp;",
            b"&x;",
            b"<error>",
            b"</error>",
            b"/1/a%2Fb",
            b"\xff",
            b"\x00",
            b"<",
            b">",
            b'"',
            b"<?",
            b"?>",
        ]
    ),
    max_size=25,
).map(b"".join)


@settings(max_examples=1_000, deadline=None)
@given(st.one_of(XML, XML.map(lambda body: START + body + END), st.binary(max_size=200)))
def test_nothing_but_the_declared_errors_gets_out(body: bytes) -> None:
    with suppress(NotUnderstood, TryLater):
        parts(body)
    conditions(body)
