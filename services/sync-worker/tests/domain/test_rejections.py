from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.domain.rejections import Rejections, rejected

AT = datetime(2027, 3, 1, 9, tzinfo=UTC)


def counted(*seconds: float) -> Rejections:
    rejections: Rejections | None = None
    for second in seconds:
        rejections = rejected(rejections, AT + timedelta(seconds=second))
    assert rejections is not None
    return rejections


@pytest.mark.parametrize(
    ("seconds", "count", "final"),
    [
        ((0,), 1, False),
        ((0, 75), 2, False),
        ((0, 75, 150), 3, True),
        ((0, 10, 20, 30), 1, False),
        ((0, 59, 61), 2, False),
        ((0, 75, 80, 150), 3, True),
    ],
)
def test_only_spaced_refusals_count(seconds: tuple[float, ...], count: int, final: bool) -> None:  # noqa: FBT001 - a table's column
    rejections = counted(*seconds)

    assert (rejections.count, rejections.final, rejections.since) == (count, final, AT)
