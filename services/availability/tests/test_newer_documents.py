"""While two releases run side by side, the older one meets documents of the newer one."""

from typing import Any

from availability.domain.blocking import Facts
from availability.domain.intervals import Window
from availability.outbound.mongo.appointments import Outline
from availability.outbound.mongo.details import detailed
from availability.outbound.mongo.documents import packed
from availability.outbound.mongo.questions import known
from runtime.documents import made_of

SPAN = (100, 200)
WINDOW = Window(0, 1_000)
NEWS = "since_the_next_release"


def test_events_have_the_facts_that_are_known() -> None:
    facts, spans = ["tentative", NEWS], packed([SPAN])
    whole: dict[str, Any] = {"_id": "e-1", "kind": "event", "calendar_id": "cal-1", NEWS: 1}
    heap = {"_id": {"kind": "event", "calendar_id": "cal-1", "facts": facts}, "sheet 0": [spans]}

    (of_heap,) = known([heap]).occurrences
    (of_event,) = detailed([whole | {"groups": [{"facts": facts, "spans": {"0": spans}, NEWS: 1}]}], WINDOW).occurrences

    assert (of_heap.facts, of_heap.spans) == (Facts(tentative=True), [SPAN])
    assert (of_event.facts, of_event.spans) == (Facts(tentative=True), [SPAN])


def test_what_was_decided_is_carried_out_as_far_as_it_is_known() -> None:
    outline = Outline("a-1", 2, {"kind": "appointment"}, {"revision": 2})

    assert made_of(Outline, outline.document() | {NEWS: 1}) == outline
