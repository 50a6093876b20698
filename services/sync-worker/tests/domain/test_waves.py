import pytest

from sync_worker.domain.waves import Refused, enough, is_wave


@pytest.mark.parametrize(
    ("lately", "of", "wave"),
    [
        (1, 1, False),
        (2, 2, False),
        (2, 10, False),
        (3, 10, True),
        (3, 150, True),
        (3, 151, False),
        (20, 1_000, True),
        (20, 1_001, False),
        (399, 1_000_000, False),
        (400, 1_000_000, True),
    ],
)
def test_one_in_fifty_are_a_wave_but_never_fewer_than_three(lately: int, of: int, wave: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_wave(Refused(lately, min(of, enough(lately)))) is wave
