import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from contracts import events
from contracts.documents import json_schema
from contracts.examples import EXAMPLES, as_json, records
from contracts.topics import ICLOUD_EVENTS, TOPICS
from contracts.wire import AnyEvent, Tombstone, Undecodable, UnknownEvent, decode, encode, type_of

GOLDEN = Path(__file__).parents[2] / "schemas" / "examples"
RECORDS = dict(records())
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def _headers(**changed: bytes | None) -> list[tuple[str, bytes]]:
    imported = next(e for e in EXAMPLES if isinstance(e, events.ICloudEventImported))
    headers = dict(encode(imported, source="test", time=NOW).headers) | changed
    return [(name, value) for name, value in headers.items() if value is not None]


@pytest.mark.parametrize("name", sorted(p.name for p in GOLDEN.glob("*.json")))
def test_every_message_ever_released_still_parses(name: str) -> None:
    golden = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    headers = [(k, v.encode()) for k, v in golden["headers"].items()]
    value = None if golden["value"] is None else golden["value"].encode()

    said = decode(golden["topic"], golden["key"].encode(), headers, value)

    assert not isinstance(said, UnknownEvent)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_todays_records_are_the_golden_ones(name: str) -> None:
    golden = (GOLDEN / name).read_text(encoding="utf-8")

    assert as_json(RECORDS[name]) == golden


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda e: type(e).__name__)
def test_an_event_comes_back_as_it_was_sent(event: AnyEvent) -> None:
    record = encode(event, source="test", time=NOW)

    assert decode(record.topic, record.key.encode(), record.headers, record.value) == event


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda e: type(e).__name__)
def test_a_body_on_the_wire_satisfies_its_released_schema(event: AnyEvent) -> None:
    body = json.loads(encode(event, source="test", time=NOW).value or b"")

    Draft202012Validator(json_schema(type(event))).validate(body)


def test_there_is_an_example_of_every_event() -> None:
    assert {type(e) for e in EXAMPLES} == {e for topic in TOPICS for e in topic.events}


def test_everything_of_a_connections_calendars_lies_in_one_partition() -> None:
    of_icloud = [encode(e, source="test", time=NOW) for e in EXAMPLES if type(e) in ICLOUD_EVENTS.events]

    assert {record.partition_key for record in of_icloud} == {"c0ffee"}
    assert {record.key for record in of_icloud} == {"evt-1"}


def test_a_tombstone_tells_its_epoch_and_revision() -> None:
    record = RECORDS["Tombstone.v1.json"]

    said = decode(record.topic, record.key.encode(), record.headers, record.value)

    assert said == Tombstone(key="evt-1", epoch=2, revision=4)


def test_a_tombstone_that_arrives_as_an_empty_body_is_one_all_the_same() -> None:
    record = RECORDS["Tombstone.v1.json"]

    assert isinstance(decode(record.topic, record.key.encode(), record.headers, b""), Tombstone)


def test_a_field_that_a_newer_writer_added_is_passed_over() -> None:
    event = next(e for e in EXAMPLES if isinstance(e, events.ICloudEventRemoved))
    body = json.loads(encode(event, source="test", time=NOW).value or b"") | {"mood": "fine"}

    assert decode("icloud.events.v1", b"evt-1", _headers_of(event), json.dumps(body).encode()) == event


def test_an_event_type_that_a_newer_writer_added_is_passed_over() -> None:
    said = decode("icloud.events.v1", b"k", _headers(ce_type=b"com.crococlick.calendar.Invented.v1"), b"{}")

    assert said == UnknownEvent("com.crococlick.calendar.Invented.v1")


@pytest.mark.parametrize(
    ("topic", "headers", "value"),
    [
        ("icloud.events.v1", [], b"{}"),
        ("icloud.events.v1", _headers(ce_type=b"\xff"), b"{}"),
        ("icloud.events.v1", _headers(ce_epoch=None), None),
        ("icloud.events.v1", _headers(ce_revision=b"-1"), None),
        ("icloud.events.v1", _headers(), b"not json"),
        ("icloud.events.v1", _headers(), b'{"account_id": "a"}'),
        ("icloud.events.v1", _headers(), b"\xff\xfe"),
        ("icloud.sync.v1", _headers(), b"{}"),
    ],
)
def test_what_breaks_the_contract_is_undecodable(
    topic: str, headers: list[tuple[str, bytes]], value: bytes | None
) -> None:
    with pytest.raises(Undecodable):
        decode(topic, b"key", headers, value)


def test_the_reason_of_an_undecodable_record_never_shows_what_it_held() -> None:
    with pytest.raises(Undecodable) as refused:
        decode("icloud.events.v1", b"k", _headers(), b'{"account_id": ["abcd-efgh-ijkl-mnop"], "epoch": "canary"}')

    assert "abcd" not in str(refused.value)
    assert "canary" not in str(refused.value)
    assert "account_id" in str(refused.value)


def _headers_of(event: AnyEvent) -> list[tuple[str, bytes]]:
    return list(encode(event, source="test", time=NOW).headers)


def test_two_events_never_share_a_type() -> None:
    kinds = [type_of(e) for topic in TOPICS for e in topic.events]

    assert len(kinds) == len(set(kinds))
