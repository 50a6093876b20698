import pytest

from sync_worker.domain.bases import Basis, seen

OURS = ("12 Europe/Paris titles", "12 any zone titles")


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        ("12 Europe/Paris titles", Basis.OURS),
        ("12 any zone titles", Basis.OURS),
        ("13 any zone titles", Basis.OURS),
        ("9 Europe/Paris titles", Basis.OLDER),
        ("11 any zone titles", Basis.OLDER),
        ("11 Europe/Paris no titles", Basis.OTHER),
        ("13 Asia/Tokyo titles", Basis.OTHER),
        ("12 Asia/Tokyo titles", Basis.OTHER),
        ("x any zone titles", Basis.OTHER),
        (" any zone titles", Basis.OTHER),
        ("12", Basis.OTHER),
        ("", Basis.OTHER),
    ],
)
def test_how_it_was_read_seen_from_how_we_read(basis: str, expected: Basis) -> None:
    assert seen(basis, OURS) is expected


def test_what_has_no_version_is_ours_only_where_it_is_the_same() -> None:
    assert (seen("", ("",)), seen("a b", ("a b",)), seen("a b", ("c b",))) == (Basis.OURS, Basis.OURS, Basis.OTHER)
