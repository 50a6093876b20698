from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.connection import State
from connector.domain.reading import CalendarAge, Reading
from connector.domain.sync import SyncState, sync_state
from connector_examples import NOW, connection

HALF_AN_HOUR = timedelta(minutes=30)


def test_until_everything_was_read_once_a_connection_is_importing() -> None:
    assert sync_state(connection(), NOW, HALF_AN_HOUR) is SyncState.IMPORTING


@pytest.mark.parametrize(("minutes", "state"), [(0, SyncState.FRESH), (30, SyncState.FRESH), (31, SyncState.STALE)])
def test_knowledge_is_fresh_for_as_long_as_was_set(minutes: int, state: SyncState) -> None:
    read = replace(connection(), reading=Reading(as_of=NOW, looked_at=NOW))

    assert sync_state(read, NOW + timedelta(minutes=minutes), HALF_AN_HOUR) is state


def test_with_a_calendar_that_was_never_read_a_connection_is_importing() -> None:
    read = replace(connection(), reading=Reading(as_of=NOW, looked_at=NOW))
    (one, *_) = read.ages
    added = replace(read, reading=replace(read.reading, behind=(CalendarAge(one.calendar_id, None, one.state),)))

    assert sync_state(added, NOW, HALF_AN_HOUR) is SyncState.IMPORTING


def test_a_refused_credential_goes_before_everything_else() -> None:
    refused = replace(connection(), state=State.NEEDS_RECONNECT, reading=Reading(as_of=NOW, looked_at=NOW))

    assert sync_state(refused, NOW, HALF_AN_HOUR) is SyncState.NEEDS_RECONNECT
