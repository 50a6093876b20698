from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.daily import moment_before

DAY = timedelta(days=1)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(st.text(max_size=32), moments)
def test_the_last_moment_is_within_a_day_and_the_same_every_day(connection_id: str, now: datetime) -> None:
    last = moment_before(connection_id, now)

    assert timedelta(0) <= now - last < DAY
    assert moment_before(connection_id, now + DAY) == last + DAY
    assert moment_before(connection_id, last) == last


def test_connections_are_spread_over_the_day() -> None:
    now = datetime(2027, 3, 1, 9, tzinfo=UTC)
    ids = [sha256(str(n).encode()).hexdigest()[:32] for n in range(4_800)]

    hours = Counter(moment_before(one, now).hour for one in ids)

    assert len(hours) == 24
    assert all(140 <= count <= 260 for count in hours.values())
