from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from availability.domain.intervals import EARLIEST, LATEST
from availability.inbound.http.moments import told_second


@given(st.integers(EARLIEST, LATEST))
def test_every_second_is_written_as_rfc_3339(second: int) -> None:
    expected = datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")

    assert told_second(second) == expected
