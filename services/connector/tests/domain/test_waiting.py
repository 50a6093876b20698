"""What of a connection's announcements waits while nobody can be told."""

from dataclasses import replace

import pytest

from connector.domain.connection import Announcement, News
from connector.domain.waiting import MOST_BEGINNINGS, WAITING, has_room, still_told
from connector_examples import connection

BEGUN, AGAIN, SETUP = News.CONNECTED, News.RECONNECTED, News.SETUP_CHANGED


def those(*several: News) -> list[Announcement]:
    first = connection().announcement()
    return [replace(first, revision=number, news=news) for number, news in enumerate(several, 1)]


@pytest.mark.parametrize(
    ("news", "told"),
    [
        ((BEGUN, *[SETUP] * (WAITING - 1)), [*range(1, WAITING + 1)]),
        ((BEGUN, *[SETUP] * WAITING), [1, WAITING + 1]),
        ([SETUP] * 9, [1, 9]),
        ((SETUP, SETUP, AGAIN, SETUP, SETUP, AGAIN, SETUP), [1, 3, 6, 7]),
        ((BEGUN, SETUP, AGAIN, SETUP, AGAIN, SETUP, AGAIN), [1, 3, 5, 7]),
    ],
    ids=["few", "one more", "setups alone", "between epochs", "an epoch last"],
)
def test_of_many_setups_the_first_and_the_last_are_told_and_each_new_epoch(
    news: tuple[News, ...], told: list[int]
) -> None:
    assert [one.revision for one in still_told(those(*news))] == told


def test_no_more_epochs_begin_than_may_wait() -> None:
    beginnings = [BEGUN, *[AGAIN] * (MOST_BEGINNINGS - 1)]

    assert has_room([*beginnings[1:], SETUP, SETUP, "spoilt"])
    assert not has_room([*beginnings, SETUP])
