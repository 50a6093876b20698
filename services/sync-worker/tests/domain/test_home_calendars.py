from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.domain.home_calendars import HomeTold, News, news

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
TOLD = HomeTold("ab", frozenset("ab"))
MISSED = replace(TOLD, missed="a", missed_since=NOW - timedelta(minutes=9))
ONE, TWO, THREE = frozenset("a"), frozenset("ab"), frozenset("abc")


@pytest.mark.parametrize(
    ("told", "digest", "ids", "todo", "after"),
    [
        pytest.param(TOLD, "ab", TWO, News.NONE, TOLD, id="as told"),
        pytest.param(TOLD, "abc", THREE, News.TELL, HomeTold("abc", THREE), id="a new one"),
        pytest.param(TOLD, "aB", TWO, News.TELL, HomeTold("aB", TWO), id="a changed one"),
        pytest.param(HomeTold(), "ab", TWO, News.TELL, TOLD, id="never told"),
        pytest.param(TOLD, "a", ONE, News.WAIT, replace(TOLD, missed="a", missed_since=NOW), id="one is missed"),
        pytest.param(MISSED, "a", ONE, News.NONE, MISSED, id="it is still missed"),
        pytest.param(MISSED, "A", ONE, News.WAIT, replace(MISSED, missed="A", missed_since=NOW), id="other ones are"),
        pytest.param(MISSED, "ab", TWO, News.WAIT, TOLD, id="it is back"),
        pytest.param(
            replace(MISSED, missed_since=NOW - timedelta(minutes=10)), "a", ONE, News.TELL, HomeTold("a", ONE),
            id="it is missed for ten minutes",
        ),
        pytest.param(TOLD, "ac", frozenset("ac"), News.WAIT, replace(TOLD, missed="ac", missed_since=NOW), id="both"),
    ],
)  # fmt: skip
def test_what_a_home_tells(told: HomeTold, digest: str, ids: frozenset[str], todo: News, after: HomeTold) -> None:
    assert news(told, digest, ids, NOW) == (todo, after)
