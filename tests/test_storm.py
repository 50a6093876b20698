"""Everything changes while everything goes wrong. What iCloud, the topic and availability say must be one in the end.

`make storm` is the same for longer. CALSYNC_TEST_SEED repeats a storm, as far as several processes can be repeated.
"""

import os
from collections.abc import Iterator, Mapping

import pytest

from storm import Plan, Storm
from storm_changes import BOOKINGS, REBOOKINGS
from storm_orders import POINTS, Order
from storm_sea import Sea, sea

pytestmark = [pytest.mark.servers, pytest.mark.story, pytest.mark.rough]
SEED = int(os.environ.get("CALSYNC_TEST_SEED") or 20261201)


@pytest.fixture(scope="module")
def waters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sea]:
    with sea(tmp_path_factory.mktemp("storm")) as found:
        yield found


def test_after_a_storm_all_believe_the_truth(waters: Sea) -> None:
    report = Storm(waters, Plan(seed=SEED, changes=1_000, kills=len(POINTS), freezes=2)).run()

    print(report)
    assert not report.wrong, report
    assert report.changes >= 1_000
    assert all(report.points[f"die {point}"] for point in POINTS)
    assert report.faults


def test_the_storm_shows_a_token_that_is_stored_before_its_events_are_published(waters: Sea) -> None:
    mistake = Order(0, "fetched", token_first=True)

    report = Storm(waters, _small(kinds=BOOKINGS, orders=(mistake,))).run()

    assert any("topic does not know it" in one for one in report.wrong), report


def test_the_storm_shows_a_reader_that_does_not_compare_revisions(waters: Sea) -> None:
    report = Storm(waters, _small(kinds=REBOOKINGS, unguarded=True)).run()

    assert any("only availability says" in one for one in report.wrong), report
    assert not any("topic" in one for one in report.wrong), report


def _small(*, kinds: Mapping[str, int], orders: tuple[Order, ...] = (), unguarded: bool = False) -> Plan:
    """One person and fair weather: only the mistake can be what is wrong in the end."""
    return Plan(
        seed=SEED,
        people=1,
        objects=0,
        changes=20,
        a_second=6,
        kinds=kinds,
        kills=0,
        freezes=0,
        orders=orders,
        troubles=0,
        faults=False,
        unguarded=unguarded,
    )
