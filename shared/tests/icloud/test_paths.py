import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from icloud import NotUnderstood, paths


@pytest.mark.parametrize(
    "href",
    [
        "/1/home/jane@example.com.ics",
        "/1/home/jane%40example.com.ics",
        "https://p42-caldav.icloud.com:443/1/home/jane%40example.com.ics",
        "//elsewhere.example/1/home/jane%40example.com.ics",
        "jane%40example.com.ics",
        "\n  /1/home/jane@example.com.ics ",
        "/1/work/../home/jane@example.com.ics",
    ],
)
def test_all_ways_to_write_an_href_are_one_path(href: str) -> None:
    assert paths.decoded(href, base="/1/home/") == "/1/home/jane@example.com.ics"


@pytest.mark.parametrize(
    "href",
    [
        *("/1/%2e%2e/x", "/1/%2e%2e", "/1/%2E/x", "/1/..%2Fx", "/1/x%2f..", "/1/x%2F.%2e%2fy", "/..%2F..%2Fetc"),
        *(
            "http://[bad",
            "http://icloud.com//evil.example/x",
            "mailto:jane@example.com",
            "/" + "a" * 3000,
            "/" + "%FF" * 700,
            "/\ud800",
        ),
    ],
)
def test_an_href_that_does_not_lead_back_to_one_place_is_refused(href: str) -> None:
    with pytest.raises(NotUnderstood, match="strange_href"):
        paths.decoded(href)


@given(st.text(max_size=60))
def test_what_was_decoded_is_encoded_to_the_same_path_again(href: str) -> None:
    try:
        path = paths.decoded(href)
    except NotUnderstood:
        return

    assert paths.decoded(paths.encoded(path)) == path
    assert paths.decoded(paths.fully_encoded(path)) == path


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/1/item%2F7@example.com.ics", "/1/item%2F7@example.com.ics"),
        ("/1/item%2f7%40example.com.ics", "/1/item%2F7@example.com.ics"),
        ("/1/Termin%C2%A01.ics", "/1/Termin\u00a01.ics"),
        ("/1/Termin%c2%a01.ics", "/1/Termin\u00a01.ics"),
        ("/1/x%09y%0d%0A%00%7f.ics", "/1/x%09y%0D%0A%00%7F.ics"),
        ("/1/x\ty.ics", "/1/x%09y.ics"),
        ("/1/x\x7fy.ics", "/1/x%7Fy.ics"),
        ("/1/%C2%85.ics", "/1/%C2%85.ics"),
        ("/1/%e2%80%a8.ics", "/1/\u2028.ics"),
        ("/1/%FF%c3.ics", "/1/%FF%C3.ics"),
        ("/1/%ED%A0%80.ics", "/1/%ED%A0%80.ics"),
        ("/1/caf%C3%A9.ics", "/1/caf\u00e9.ics"),
        ("/1/cafe%CC%81.ics", "/1/cafe\u0301.ics"),
        ("/1/who%3F%231.ics", "/1/who?#1.ics"),
        ("/1/a.ics;", "/1/a.ics;"),
        ("/1/.hidden", "/1/.hidden"),
        # As they always were: a percent sign is only kept where it would be mistaken.
        ("/1/100%25.ics", "/1/100%.ics"),
        ("/1/100%.ics", "/1/100%.ics"),
        ("/1/jane%2540example.com%2520x.ics", "/1/jane%40example.com%20x.ics"),
        ("/1/a%252Fb.ics", "/1/a%252Fb.ics"),
        ("/1/a%252fb.ics", "/1/a%2fb.ics"),
        ("/1/%25%252F%25252F.ics", "/1/%%252F%25252F.ics"),
        ("/1/%2%46.ics", "/1/%252F.ics"),
    ],
)
def test_what_cannot_be_decoded_without_becoming_something_else_stays_encoded(href: str, path: str) -> None:
    assert paths.decoded(href) == path
    assert unquote_to_bytes(paths.encoded(path)) == unquote_to_bytes(href)


names = st.lists(
    st.sampled_from(
        [b"%", b"2", b"F", b"f", b"25", b"/", b".", b"..", b"%2F", b"%C3%A9", b"\xc3\xa9", b"\xff", b"\0", b"\t"]
    )
    | st.binary(max_size=8),
    min_size=1,
    max_size=8,
).map(b"".join)


def path_of(name: bytes, safe: str = "") -> str:
    return paths.decoded(f"/1/home/{quote_from_bytes(name, safe=safe)}")


@settings(max_examples=500, deadline=None)
@given(names)
def test_any_octets_are_a_path_that_leads_back_to_them(name: bytes) -> None:
    assume({b".", b".."}.isdisjoint(name.split(b"/")))

    path = path_of(name)

    for form in (paths.encoded(path), paths.fully_encoded(path)):
        assert unquote_to_bytes(form) == b"/1/home/" + name
        assert form.count("/") == 3
        assert form.isascii()
        assert form.isprintable()
        assert paths.decoded(form) == paths.decoded(re.sub("%[0-9A-F]{2}", lambda kept: kept[0].lower(), form)) == path
    assert path == path_of(name, safe="@!$&'()*+,;=:~") == "/1/home/" + path.removeprefix("/1/home/")
    assert not re.search("[\x00-\x1f\x7f-\x9f]", path)
    assert path.encode()


@settings(max_examples=200, deadline=None)
@given(names, names)
def test_two_names_are_never_one_path(one: bytes, other: bytes) -> None:
    assume(one != other and {b".", b".."}.isdisjoint(one.split(b"/") + other.split(b"/")))

    assert path_of(one) != path_of(other)


@pytest.mark.parametrize(
    "href", ["%2e%2e/x", "/1/home/..%2Fx.ics", "/1/home/a?b", "/1/home/a#b", "http://[bad", "/1/home/" + "a" * 3000]
)
def test_what_leads_nowhere_is_told_apart_inside_of_its_collection_and_never_asked(href: str) -> None:
    path = paths.told(href, base="/1/h%6Fme/")

    assert path.startswith("/1/home/./")
    assert path != paths.told(href + "c", base="/1/home/")
    assert not paths.is_askable(path)
    for write in (paths.encoded, paths.fully_encoded):
        with pytest.raises(NotUnderstood, match="strange_href"):
            write(path)


def test_a_collection_ends_with_a_slash() -> None:
    assert paths.of_collection("/1/home") == paths.of_collection("/1/home/") == "/1/home/"
