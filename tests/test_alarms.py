"""A real Prometheus looks at the stack by our configuration, and calls when the workers stand still.

Time in the rules runs sixty times quicker: a minute is a second.
"""

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from apple_users import AppleUsers
from lives import objects
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until
from prometheus_tools import prometheus, rules

pytestmark = [pytest.mark.servers, pytest.mark.story]
QUICKER = 60
PATIENCE = 60


def test_frozen_workers_are_called_out_and_nothing_else(stack: LocalStack, users: AppleUsers, tmp_path: Path) -> None:
    random, today = Random(8), datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    person = users.person(life=objects(random, today, 3))
    person.crococlick.connect(person.apple.apple_id, person.apple.app_password).raise_for_status()
    ops_urls = [stack.env["CONNECTOR_OPS_URL"], stack.env["AVAILABILITY_OPS_URL"]]
    ops_urls += stack.env["SYNC_WORKER_OPS_URL"].split(",")

    with prometheus(tmp_path / "prometheus", ops_urls, factor=QUICKER) as watching:
        known = 'max(calsync_sync_connections{standing="healthy"})'
        assert wait_until(lambda: (watching.value(known) or 0) > 0, seconds=PATIENCE)
        assert wait_until(lambda: not watching.firing(), seconds=PATIENCE)
        stack.pause("sync-worker")
        try:
            called = wait_until(
                lambda: {"CalsyncServiceMissing", "CalsyncNoPasses"} <= _names(watching.firing()), seconds=PATIENCE
            )
            firing = watching.firing()
        finally:
            stack.resume("sync-worker")
        loaded = {rule["name"] for rule in watching.rules()}

    assert called, firing
    assert {one["service"] for one in firing if one["alertname"] == "CalsyncServiceMissing"} == {"sync-worker"}
    assert _names(firing) <= {"CalsyncServiceMissing", "CalsyncNoPasses", "CalsyncInstanceDown"}
    assert loaded == {rule.get("alert") or rule["record"] for rule in rules()}


def _names(firing: list[dict[str, str]]) -> set[str]:
    return {one["alertname"] for one in firing}
