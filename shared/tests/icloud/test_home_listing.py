"""What a home answered can be told from another answer without being read."""

import pytest
from shared.tests.icloud.scripted import golden

from icloud import HomeListing, NotUnderstood
from icloud.wire.calendars import listed_calendars

HOME = "/20451177/calendars/"
BODY = golden("calendars.xml")


def listing(body: bytes = BODY, *, base: str = HOME) -> HomeListing:
    return HomeListing(body, home=HOME, base=base)


def test_it_reads_what_the_account_lists() -> None:
    assert listing().calendars() == listed_calendars(BODY, home=HOME, base=HOME)


def test_the_same_bytes_of_the_same_home_have_one_digest_however_they_are_held() -> None:
    assert listing().digest == listing(bytearray(BODY)).digest  # type: ignore[arg-type]  # as the transport hands them out


@pytest.mark.parametrize(
    "other",
    [listing(BODY.replace(b"Work", b"Werk")), listing(BODY + b"\n"), listing(base="/20451178/calendars/")],
    ids=["another name", "another byte", "another home"],
)
def test_whatever_is_written_otherwise_has_another_digest(other: HomeListing) -> None:
    assert other.digest != listing().digest


def test_what_cannot_be_read_has_a_digest_and_is_told_when_it_is_read() -> None:
    broken = listing(b"<html/>")

    assert broken.digest
    with pytest.raises(NotUnderstood):
        broken.calendars()


def test_it_shows_nothing_of_the_user() -> None:
    assert "20451177" not in repr(listing())
