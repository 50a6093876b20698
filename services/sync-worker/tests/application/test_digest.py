"""Whether an event says something new is told by its digest."""

from dataclasses import fields, replace
from typing import Any

import pytest

from contracts.events import ICloudEventImported
from sync_worker.application.claim import Claim
from sync_worker.application.publish_states import digest, imported
from sync_worker.domain.outbox import Content
from sync_worker.domain.values import FactGroup, Facts
from worker_examples import imported as state
from worker_stage import Stage

CONTENT = Content("uid", "Dentist", all_day=False, groups=(FactGroup(Facts(), ((100, 200), (300, 400))),))
HOW_WE_LOOKED = {"epoch", "revision", "as_of", "horizon"}
OTHER_FACTS = [
    Facts(**{one.name: 900 if one.name == "travel_seconds" else True})  # type: ignore[arg-type]  # one of either kind
    for one in fields(Facts)
]


@pytest.fixture
async def claim() -> Claim:
    stage = Stage()
    await stage.follow(stage.icloud.calendar("home"))
    return await stage.claim()


def said(claim: Claim, content: Content, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a state
    event = imported(claim, state("e1", calendar_id="c1", content=content, **changes))
    return event.model_dump(exclude=HOW_WE_LOOKED)


@pytest.mark.parametrize(
    "other",
    [
        replace(CONTENT, uid_hash="another"),
        replace(CONTENT, title=None),
        replace(CONTENT, title="dentist"),
        replace(CONTENT, all_day=True),
        replace(CONTENT, groups=()),
        replace(CONTENT, groups=(FactGroup(Facts(), ((100, 200), (300, 401))),)),
        replace(CONTENT, groups=(FactGroup(Facts(), ((100, 200),)), FactGroup(Facts(tentative=True), ((300, 400),)))),
        *(replace(CONTENT, groups=(FactGroup(facts, CONTENT.groups[0].spans),)) for facts in OTHER_FACTS),
    ],
    ids=str,
)
async def test_events_that_say_something_else_have_another_digest(claim: Claim, other: Content) -> None:
    assert said(claim, CONTENT) != said(claim, other)
    assert digest(claim, "e1", "c1", CONTENT) != digest(claim, "e1", "c1", other)


async def test_the_digest_is_of_everything_that_an_event_says(claim: Claim) -> None:
    of_claim = {"account_id", "user_id", "connection_id"}
    others = [replace(claim, **{name: "another"}) for name in sorted(of_claim)]  # type: ignore[arg-type]  # all are texts

    digests = [
        digest(claim, "e1", "c1", CONTENT),
        digest(claim, "e2", "c1", CONTENT),
        digest(claim, "e1", "c2", CONTENT),
        *(digest(one, "e1", "c1", CONTENT) for one in others),
    ]

    assert len(set(digests)) == len(digests)
    of_content = {"uid_hash", "title", "all_day", "occurrences"}
    assert set(ICloudEventImported.model_fields) == of_claim | {"event_id", "calendar_id"} | of_content | HOW_WE_LOOKED


async def test_how_and_when_we_looked_is_not_news(claim: Claim) -> None:
    later = replace(claim, epoch=2, fence=claim.fence + 1)

    assert digest(later, "e1", "c1", CONTENT) == digest(claim, "e1", "c1", CONTENT)
