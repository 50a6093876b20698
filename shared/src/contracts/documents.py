"""What other teams read without Python: a JSON Schema per event and one AsyncAPI 3 document.

`python -m contracts.documents DIRECTORY` writes them; the copies in shared/schemas are held against the code by tests.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

from contracts.topics import DEAD_CONFIG, TOPICS, Topic
from contracts.wire import AnyEvent, type_of

JsonObject = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_HEADERS: Final[JsonObject] = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_epoch", "ce_revision"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "<entity>:<epoch>:<revision>; the same for a redelivery"},
        "ce_source": {"type": "string"},
        "ce_type": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_epoch": {"type": "string", "pattern": "^[0-9]+$"},
        "ce_revision": {"type": "string", "pattern": "^[0-9]+$"},
        "ce_traceparent": {"type": "string", "description": "W3C Trace Context, where traces are on"},
        "content-type": {"type": "string", "const": "application/json"},
    },
}
_PROMISE: Final = (
    "Never lost, maybe repeated: of two records with one key the larger (epoch, revision) is true, drop the other; "
    "rebuild from the compacted topics if you were away for more than six days. Ignore fields and event types that "
    "you do not know. A record without a value is a tombstone: erase its key unless you hold something newer."
)


def file_name(event: type[AnyEvent]) -> str:
    """The schema's file name, for example `ICloudEventImported.v1.json`."""
    return f"{event.__name__}.v1.json"


def json_schema(event: type[AnyEvent]) -> JsonObject:
    """JSON Schema 2020-12 of an event's body as it is on the wire; fields with a default may be left out."""
    return {"$schema": _DIALECT, "$id": f"urn:{type_of(event)}"} | event.model_json_schema(mode="validation")


def asyncapi() -> JsonObject:
    """Every topic, its settings and its messages as an AsyncAPI 3.0 document."""
    messages = {event.__name__: _message(event) for topic in TOPICS for event in topic.events}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "CrocoClick iCloud Calendar Sync", "version": "1.0.0", "description": _PROMISE},
        "defaultContentType": "application/json",
        "channels": {_id(topic.name): _channel(topic) for topic in TOPICS}
        | {_id(topic.dead): _dead_channel(topic) for topic in TOPICS},
        "operations": {f"receive-{_id(topic.name)}": _receive(topic) for topic in TOPICS},
        "components": {"messages": messages, "schemas": _schemas()},
    }


def rendered() -> dict[str, str]:
    """Every document by its file name, as text that ends with a newline."""
    documents = {file_name(event): json_schema(event) for topic in TOPICS for event in topic.events}
    documents["asyncapi.json"] = asyncapi()
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in documents.items()}


def main(directory: Path) -> None:
    """Write every document into `directory`, which is made where it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in rendered().items():
        (directory / name).write_text(text, encoding="utf-8")


def _channel(topic: Topic) -> JsonObject:
    return {
        "address": topic.name,
        "messages": _message_references(topic),
        "bindings": _binding(topic, dict(topic.config)),
    }


def _dead_channel(topic: Topic) -> JsonObject:
    return {
        "address": topic.dead,
        "description": "Original key, value and headers of records that can never be processed; `dl-` headers say why.",
        "messages": _message_references(topic),
        "bindings": _binding(topic, dict(DEAD_CONFIG)),
    }


def _message_references(topic: Topic) -> JsonObject:
    return {e.__name__: {"$ref": f"#/components/messages/{e.__name__}"} for e in topic.events}


def _binding(topic: Topic, config: dict[str, str]) -> JsonObject:
    # The Kafka binding 0.5.0 types these; whatever else a topic is set to stays in the table of contracts.topics.
    numbers = ("retention.ms", "delete.retention.ms")
    typed: JsonObject = {"cleanup.policy": [config["cleanup.policy"]]}
    typed |= {name: int(config[name]) for name in numbers if name in config}
    return {"kafka": {"partitions": topic.partitions, "topicConfiguration": typed, "bindingVersion": "0.5.0"}}


def _message(event: type[AnyEvent]) -> JsonObject:
    return {
        "name": type_of(event),
        "title": event.__name__,
        "summary": (event.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "headers": _HEADERS,
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
    }


def _receive(topic: Topic) -> JsonObject:
    channel = f"#/channels/{_id(topic.name)}"
    return {
        "action": "receive",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"} for event in topic.events],
    }


def _schemas() -> JsonObject:
    """All models once, under the names that pydantic gave them."""
    schemas: JsonObject = {}
    for event in (event for topic in TOPICS for event in topic.events):
        schema = event.model_json_schema(mode="validation", ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[event.__name__] = schema
    return schemas


def _id(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
