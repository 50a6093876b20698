"""What was released once is read for ever, and is there for ever."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.examples import EXAMPLES, LATER, RELEASED, main, records, released
from contracts.topics import TOPICS
from contracts.wire import AnyEvent, type_of

GOLDEN = Path(__file__).parents[2] / "schemas" / "examples"
_EVENTS = [event for topic in TOPICS for event in topic.events]
_ALL = [*EXAMPLES, *LATER.values()]


def test_a_golden_message_is_never_edited_and_never_leaves() -> None:
    there = released(GOLDEN)

    assert (GOLDEN / RELEASED).read_text(encoding="utf-8") == there, "a new shape gets a file beside it"


def test_every_golden_message_is_one_of_todays_examples() -> None:
    assert {path.name for path in GOLDEN.glob("*.json")} == {name for name, _ in records()}


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    kept = tmp_path / "SyncProgress.v1.json"
    kept.write_text("{}", encoding="utf-8")

    main(tmp_path)

    assert kept.read_text(encoding="utf-8") == "{}"
    assert len(list(tmp_path.glob("*.json"))) == len(dict(records()))


@pytest.mark.parametrize("event", _EVENTS, ids=type_of)
def test_every_field_of_an_event_is_in_some_golden_message(event: type[AnyEvent]) -> None:
    """A field that none has could change its meaning unseen."""
    shown = {name for one in _ALL if type(one) is event for name in _body(one)}

    assert shown >= event.model_json_schema()["properties"].keys()


def test_every_field_of_what_events_share_is_in_some_golden_message() -> None:
    shared = [part for event in _EVENTS for part in event.model_json_schema().get("$defs", {}).values()]

    assert {name for one in _ALL for name in _names(_body(one))} >= {
        n for part in shared for n in part.get("properties", ())
    }


def _body(event: AnyEvent) -> dict[str, object]:
    body: dict[str, object] = json.loads(event.model_dump_json(exclude_defaults=True))
    return body


def _names(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node
        yield from _names(list(node.values()))
    elif isinstance(node, list):
        for one in node:
            yield from _names(one)
