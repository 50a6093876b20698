"""What is kept of an account between two looks at it is for nobody to read."""

import json
from dataclasses import asdict

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from icloud import AppleCredential, Home, KeptHome, kept_home

JANE = AppleCredential("jane.doe@icloud.com", "abcd-efgh-ijkl-mnop")
HOME = Home(
    "/20451177/principal/",
    "https://p42-caldav.icloud.com:443",
    "/20451177/calendars/",
    ("jane.doe@icloud.com", "urn:uuid:20451177"),
)


def kept(home: Home = HOME, whose: str = "one", credential: AppleCredential = JANE) -> bytes:
    fresh = KeptHome(whose)
    fresh.open(credential)
    sealed = fresh.news(home)
    assert sealed is not None
    return sealed


def test_a_kept_home_is_known_again_and_is_no_news() -> None:
    again = KeptHome("one", kept())

    assert again.open(JANE) == HOME
    assert again.news(HOME) is None


def test_a_home_that_moved_is_news() -> None:
    moved = Home(HOME.principal, "https://p43-caldav.icloud.com:443", HOME.path, HOME.addresses)
    before = KeptHome("one", kept())
    before.open(JANE)

    sealed = before.news(moved)

    assert KeptHome("one", sealed).open(JANE) == moved


def test_nothing_of_it_can_be_read() -> None:
    sealed = kept()

    shown = sealed + repr(KeptHome("one", sealed)).encode()
    assert not [word for word in (b"jane", b"20451177", b"icloud.com", b"principal") if word in shown.lower()]
    assert kept() != sealed


@pytest.mark.parametrize("bit", range(0, 8 * 260, 37))
def test_not_a_bit_of_it_may_change(bit: int) -> None:
    sealed = bytearray(kept())
    sealed[bit // 8 % len(sealed)] ^= 1 << bit % 8

    assert KeptHome("one", bytes(sealed)).open(JANE) is None


@pytest.mark.parametrize(
    "other",
    [
        KeptHome("another", kept()),
        KeptHome("one", kept(credential=AppleCredential(JANE.apple_id, "abcd-efgh-ijkl-mnoq"))),
        KeptHome("one", b""),
        KeptHome("one", b"\x01short"),
        KeptHome("one", kept()[:-1]),
        KeptHome("one", b"\x02" + kept()[1:]),
        KeptHome("one", json.dumps(asdict(HOME)).encode()),
        KeptHome("one"),
    ],
    ids=["another connection", "another password", "nothing", "short", "cut", "a later version", "plain", "never"],
)
def test_what_does_not_open_is_found_anew_and_kept_again(other: KeptHome) -> None:
    assert other.open(JANE) is None

    sealed = other.news(HOME)
    assert sealed is not None


def test_a_home_that_a_newer_release_has_kept_is_known_by_what_is_known_of_it() -> None:
    assert KeptHome("one", sealed(asdict(HOME) | {"since_the_next_release": [1]})).open(JANE) == HOME


@pytest.mark.parametrize(
    "plain",
    [
        [],
        None,
        {},
        {name: value for name, value in asdict(HOME).items() if name != "origin"},
        asdict(HOME) | {"path": None},
        asdict(HOME) | {"addresses": "jane.doe@icloud.com"},
        asdict(HOME) | {"addresses": [["jane.doe@icloud.com"]]},
    ],
)
def test_a_home_of_another_shape_is_found_anew(plain: object) -> None:
    assert KeptHome("one", sealed(plain)).open(JANE) is None


def sealed(plain: object) -> bytes:
    """As another release might."""
    nonce = b"n" * 12
    key = AESGCM(kept_home._derived(JANE, "one"))
    return b"\x01" + nonce + key.encrypt(nonce, json.dumps(plain).encode(), b"\x01")


def test_without_the_password_nothing_is_kept() -> None:
    assert KeptHome("one", kept()).news(HOME) is None
    assert KeptHome("one").news(HOME) is None
