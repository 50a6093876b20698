import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icloud import Budget, NotUnderstood, TryLater
from icloud.inflate import Body, BodyTooLarge
from memory import forget_peak, peak_bytes


def collected(chunks: list[bytes], encoding: str, most: int = 100_000) -> bytes:
    body = Body(encoding, most=most)
    for chunk in chunks:
        body.add(chunk)
    return bytes(body.end())


@given(st.binary(max_size=5_000), st.integers(1, 700), st.sampled_from(["gzip", "x-gzip", " GZIP ", "", "identity"]))
def test_a_body_is_the_same_however_it_is_cut_and_encoded(content: bytes, size: int, encoding: str) -> None:
    sent = gzip.compress(content) if "gzip" in encoding.lower() else content

    chunks = [sent[start : start + size] for start in range(0, len(sent), size)]

    assert collected(chunks, encoding) == content


def test_members_of_a_gzip_stream_add_up() -> None:
    sent = gzip.compress(b"one ") + gzip.compress(b"two")

    assert collected([sent], "gzip") == b"one two"


def test_a_body_of_exactly_the_cap_passes_and_one_byte_more_does_not() -> None:
    assert len(collected([b"x" * 1_000], "", most=1_000)) == 1_000
    assert len(collected([gzip.compress(b"x" * 1_000)], "gzip", most=1_000)) == 1_000
    for encoding, sent in (("", b"x" * 1_001), ("gzip", gzip.compress(b"x" * 1_001))):
        with pytest.raises(BodyTooLarge):
            collected([sent], encoding, most=1_000)


def test_a_gzip_bomb_stops_at_the_cap_without_being_inflated() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    body = Body("gzip", most=100_000)

    before = forget_peak()

    with pytest.raises(BodyTooLarge):
        body.add(bomb)

    assert peak_bytes() - before < 5_000_000
    assert body._parts == []


@pytest.mark.parametrize(
    ("encoding", "piece", "pieces"),
    [("gzip", gzip.compress(bytes(50_000_000)), 10), ("", bytes(65_536), 8_000)],
    ids=["gzip", "plain"],
)
def test_half_a_gigabyte_against_the_real_cap_takes_20_mb_at_most(encoding: str, piece: bytes, pieces: int) -> None:
    before = forget_peak()

    with pytest.raises(BodyTooLarge):
        collected([piece] * pieces, encoding, most=Budget().body_bytes)

    assert peak_bytes() - before < 20_000_000


def test_a_gzip_stream_cut_short_is_to_be_asked_again() -> None:
    sent = gzip.compress(b"x" * 5_000, compresslevel=0)

    with pytest.raises(TryLater, match="cut_short"):
        collected([sent[:-9]], "gzip")


def test_no_body_is_empty_whatever_its_encoding() -> None:
    assert collected([], "gzip") == collected([], "") == b""


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_an_encoding_that_was_not_offered_is_not_understood(encoding: str) -> None:
    with pytest.raises(NotUnderstood, match="encoding"):
        Body(encoding, most=100)


def test_what_is_no_gzip_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="encoding"):
        collected([zlib.compress(b"x" * 50)], "gzip")
    with pytest.raises(NotUnderstood, match="encoding"):
        collected([gzip.compress(b"x") + b"junk behind it"], "gzip")
