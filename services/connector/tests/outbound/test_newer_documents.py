"""While two releases run side by side, the older one meets documents of the newer one."""

from dataclasses import replace
from typing import Any

from connector.domain.reading import HeldRemovals, Progress, Quarantined, Reading, UnreadableEvent
from connector.outbound.mongo.documents import connection_document, connection_from
from connector_examples import LATER, MARIE, NOW, connection

_BY_ID = {"held", "quarantined"}


def newer(document: Any) -> Any:  # noqa: ANN401 - whatever MongoDB holds
    """The same, with a field more at every place that has names of ours."""
    if isinstance(document, list):
        return [newer(one) for one in document]
    if not isinstance(document, dict):
        return document
    told = {
        name: {one: newer(each) for one, each in value.items()} if name in _BY_ID else newer(value)
        for name, value in document.items()
    }
    return told | {"since_the_next_release": {"any": "thing"}}


def test_a_connection_leaves_out_what_it_does_not_know() -> None:
    lost = (UnreadableEvent("e-1", "not_ical", NOW, LATER),)
    reading = Reading(
        NOW,
        Progress(5, 9),
        held=(HeldRemovals("cal-club", NOW, 40, 38, "shrunken"),),
        quarantined=(Quarantined("cal-private", 1, lost),),
    )
    one = replace(connection("c-1", MARIE, fingerprint="f"), reading=reading)

    assert connection_from(newer(connection_document(one))) == one
