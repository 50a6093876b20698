from pathlib import Path

import pytest

from connector.application.connect import RememberedAppleIds
from connector.outbound.apple_ids import EncryptedAppleIds, NoAppleIds
from connector.outbound.own_key import KeyUnusable
from connector_examples import APPLE_ID
from connector_fakes import FakeAppleIds
from leftovers import shapes


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "connector.key"
    file.write_bytes(bytes(range(32)))
    return file


@pytest.fixture(params=["fake", "encrypted"])
def remembered(request: pytest.FixtureRequest, key_file: Path) -> RememberedAppleIds:
    return FakeAppleIds() if request.param == "fake" else EncryptedAppleIds(key_file)


def test_an_apple_id_is_remembered_for_its_connection_alone(remembered: RememberedAppleIds) -> None:
    sealed = remembered.seal(APPLE_ID, "c-1")

    assert sealed
    assert (remembered.open(sealed, "c-1"), remembered.open(sealed, "c-2")) == (APPLE_ID, None)


def test_what_was_never_sealed_does_not_open(remembered: RememberedAppleIds) -> None:
    assert [remembered.open(one, "c-1") for one in (b"", b"\x01", bytes(13), bytes(60))] == [None] * 4


def test_nothing_of_an_apple_id_is_seen_in_what_is_kept(key_file: Path) -> None:
    remembered = EncryptedAppleIds(key_file)

    once, again = (remembered.seal(APPLE_ID, "c-1") for _ in range(2))

    assert once
    assert again
    assert once != again
    assert not [shape for shape, needle in shapes(APPLE_ID).items() if needle in once]


def test_every_flipped_bit_and_every_cut_is_noticed(key_file: Path) -> None:
    remembered = EncryptedAppleIds(key_file)
    sealed = remembered.seal(APPLE_ID, "c-1")
    assert sealed

    flipped = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    cut = [sealed[:length] for length in range(len(sealed))]

    assert {remembered.open(one, "c-1") for one in flipped + cut} == {None}


def test_after_the_key_has_changed_nothing_is_remembered(key_file: Path, tmp_path: Path) -> None:
    sealed = EncryptedAppleIds(key_file).seal(APPLE_ID, "c-1")
    other = tmp_path / "other.key"
    other.write_bytes(bytes(32))

    assert sealed
    assert EncryptedAppleIds(other).open(sealed, "c-1") is None


@pytest.mark.parametrize("content", [None, b"", bytes(31)])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "connector.key"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(KeyUnusable):
        EncryptedAppleIds(file)


def test_without_a_key_nothing_is_remembered() -> None:
    assert NoAppleIds().seal(APPLE_ID, "c-1") is None
    assert NoAppleIds().open(b"sealed", "c-1") is None
