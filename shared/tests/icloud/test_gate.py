import random
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from icloud import Endpoint
from icloud.gate import Gate, Target, UrlRefused

APPLE = ("icloud.com", "icloud.com.cn")
LOOPBACK = ("127.0.0.1", "localhost:8080", "[::1]")
BASE = Target("https://caldav.icloud.com:443", "/20451177/principal/")


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://caldav.icloud.com/", "https://caldav.icloud.com:443", "/"),
        ("https://caldav.icloud.com", "https://caldav.icloud.com:443", "/"),
        ("https://p42-caldav.icloud.com:443/1/calendars/", "https://p42-caldav.icloud.com:443", "/1/calendars/"),
        ("https://P180-CALDAV.ICLOUD.COM/x%40y?z=1", "https://p180-caldav.icloud.com:443", "/x%40y?z=1"),
        ("https://caldav.icloud.com.cn/", "https://caldav.icloud.com.cn:443", "/"),
        ("https://icloud.com/", "https://icloud.com:443", "/"),
        ("http://127.0.0.1:5232/a", "http://127.0.0.1:5232", "/a"),
        ("https://127.0.0.1/a", "https://127.0.0.1:443", "/a"),
        ("http://[::1]:5232/a", "http://[::1]:5232", "/a"),
        ("http://localhost:8080/a", "http://localhost:8080", "/a"),
        ("http://p42-caldav.localhost:8080/a", "http://p42-caldav.localhost:8080", "/a"),
        ("https://caldav.icloud.com/a#fragment", "https://caldav.icloud.com:443", "/a"),
    ],
)
def test_trusted_urls_pass(url: str, origin: str, path: str) -> None:
    assert Gate(APPLE + LOOPBACK).admit(url) == Target(origin, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/relative",
        "http://caldav.icloud.com/",
        "https://caldav.icloud.com:8443/",
        "https://caldav.icloud.com:80/",
        "https://caldav.icloud.com:0/",
        "https://caldav.icloud.com:99999/",
        "https://caldav.icloud.com:443443/",
        "https://caldav.icloud.com.evil.example/",
        "https://evilicloud.com/",
        "https://evil.example/icloud.com",
        "https://evil.example?icloud.com",
        "https://evil.example#.icloud.com",
        "https://evil.example\\.icloud.com/",
        "https://evil.example\\@caldav.icloud.com/",
        "https://caldav.icloud.com@evil.example/",
        "https://evil.example@caldav.icloud.com/",
        "https://@caldav.icloud.com/",
        "https://u:p@caldav.icloud.com/",
        "https://caldav.icloud.com./",
        "https://.icloud.com/",
        "https://a..icloud.com/",
        "https://-a.icloud.com/",
        "https://caldav.icloud.com%2eevil.example/",
        "https://evil.example%00.icloud.com/",
        "https://evil.example%23.icloud.com/",
        "https://evil.example\u3002icloud.com/",
        "https://caldav.icloud.com\uff0f.evil.example/",
        "https://evil\u2024icloud.com/",
        "https://caldav.icloud.com\t/",
        "https://caldav.icloud.com/\r\nX-Evil: 1",
        "https://caldav.icloud.com/a b",
        "https:///caldav.icloud.com/",
        "https:caldav.icloud.com",
        "https:/caldav.icloud.com/",
        "//caldav.icloud.com/",
        "ftp://caldav.icloud.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/",
        "https://17.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[2001:db8::1]/",
        "https://[::1%25eth0]/",
        "http://[::1%eth0]:5232/",
        "http://localhost:8081/",
        "http://localhost/",
        "http://127.0.0.2:5232/",
        "http://127.1:5232/",
        "http://2130706433:5232/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.0.0.1.nip.io/",
        "http://127.0.0.1.evil.example/",
        "http://notlocalhost:8080/",
        "http://localhost.evil.example:8080/",
        "https://" + "a" * 64 + ".icloud.com/",
        "https://caldav.icloud.com/" + "a" * 5000,
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        Gate(APPLE + LOOPBACK).admit(url)

    assert not str(refused.value)


@pytest.mark.parametrize(
    ("url", "admitted"),
    [
        ("/20451177/calendars/", Target("https://caldav.icloud.com:443", "/20451177/calendars/")),
        ("../calendars/", Target("https://caldav.icloud.com:443", "/20451177/calendars/")),
        ("//p42-caldav.icloud.com/a", Target("https://p42-caldav.icloud.com:443", "/a")),
        ("https://p42-caldav.icloud.com:443/a", Target("https://p42-caldav.icloud.com:443", "/a")),
    ],
)
def test_a_relative_url_is_resolved_where_it_was_named(url: str, admitted: Target) -> None:
    assert Gate(APPLE).admit(url, base=BASE) == admitted


@pytest.mark.parametrize(
    "url", ["//evil.example/a", "http://p42-caldav.icloud.com/a", "https://evil.example/", "http://127.0.0.1/"]
)
def test_a_redirect_does_not_leave_the_trusted_hosts(url: str) -> None:
    with pytest.raises(UrlRefused):
        Gate(APPLE).admit(url, base=BASE)


SCHEMES = ("https://",) * 6 + ("http://", "https:/", "https:", "//", "HTTPS://", "https:\\\\", "ftp://", "")
USERS = ("",) * 6 + ("u@", "u:p@", "@", "evil.example@", "evil.example#@", "evil.example\\@", "evil.example:443@")
HOSTS = (
    *(
        "caldav.icloud.com",
        "icloud.com",
        "p42-caldav.icloud.com",
        "evilicloud.com",
        "evil.example",
        "127.0.0.1",
        "localhost",
    ),
    *("[::1]", "[::ffff:10.0.0.1]", "10.0.0.1", "2130706433", "icloud.com[", "[icloud.com]", "xn--icloud-9ua.com", ""),
)
TAILS = ("",) * 6 + (".icloud.com", "%2eicloud.com", "\\.icloud.com", "#.icloud.com", "?.icloud.com", ".", "\u3002com")
PORTS = ("",) * 6 + (":443", ":80", ":8443", ":0", ":", ":443:80", ":+443", ":\uff1443", ":0443")
NOISE = "/.a%2Ff@\\?#:;= \n\t[]&icloud.com\u2044"


def hostile_url(dice: random.Random) -> str:
    url = "".join(dice.choice(part) for part in (SCHEMES, USERS, HOSTS, TAILS, PORTS))
    path = dice.choice(("", "/", "/" + "".join(dice.choices(NOISE, k=dice.randrange(12)))))
    place = dice.randrange(len(url) + 1)
    return url[:place] + dice.choice(("",) * 9 + tuple(NOISE)) + url[place:] + path


def test_of_ten_thousand_urls_those_that_pass_go_to_a_trusted_host_in_the_eyes_of_every_parser() -> None:
    gate, dice, passed = Gate(("icloud.com",)), random.Random(8), 0  # noqa: S311 -- seeded, so that a failure can be repeated

    for url in (hostile_url(dice) for _ in range(10_000)):
        try:
            target = gate.admit(url)
        except UrlRefused:
            continue
        passed += 1
        sent, other = target.url(), urlsplit(str(target.url()))
        assert (sent.scheme, sent.port) == (other.scheme, other.port or 443) == ("https", 443)
        assert sent.raw_host == other.hostname == URL(url).raw_host
        assert f".{sent.raw_host}".endswith(".icloud.com")
        assert sent.user is None
        assert "@" not in other.netloc

    assert passed > 50


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_admitted_or_refused_and_nothing_else_happens(url: str) -> None:
    try:
        Gate(APPLE + LOOPBACK).admit(url, base=BASE)
    except UrlRefused:
        return


@pytest.mark.parametrize(
    "host",
    [
        "",
        "com",
        "*.icloud.com",
        ".icloud.com",
        "https://icloud.com",
        "icloud.com:8443",
        "10.0.0.1",
        "8.8.8.8",
        "[2001:db8::1]",
        "127.1",
        "iCloud.com",
        "0x7f.1",
    ],
)
def test_a_wrong_trusted_host_is_told_at_the_start(host: str) -> None:
    with pytest.raises(ValueError, match="trusted host"):
        Endpoint("https://caldav.icloud.com/", ("icloud.com", host))


def test_an_entry_that_is_not_trusted_is_told_at_the_start() -> None:
    with pytest.raises(ValueError, match="entry URL"):
        Endpoint("http://127.0.0.1:5232/", ("icloud.com",))
    with pytest.raises(ValueError, match="entry URL"):
        Endpoint("http://caldav.icloud.com/", ("icloud.com",))

    assert Endpoint("http://127.0.0.1:5232/", ("127.0.0.1",)).ca_file is None
