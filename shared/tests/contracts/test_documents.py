import json
from pathlib import Path

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from jsonschema import Draft202012Validator

from contracts.documents import asyncapi, file_name, rendered
from contracts.topics import TOPICS

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", sorted(rendered()))
def test_the_released_document_is_what_the_code_says(name: str) -> None:
    released = (SCHEMAS / name).read_text(encoding="utf-8")

    assert rendered()[name] == released, "run `make schemas`, and read what changed: a released field never leaves"


def test_no_released_document_is_left_without_code() -> None:
    assert {path.name for path in SCHEMAS.glob("*.json")} == set(rendered())


@pytest.mark.parametrize("event", [event for topic in TOPICS for event in topic.events], ids=file_name)
def test_each_schema_is_valid_json_schema(event: type) -> None:
    Draft202012Validator.check_schema(json.loads(rendered()[file_name(event)]))


def test_the_asyncapi_document_is_valid_to_a_reader_that_we_did_not_write() -> None:
    ApplicationSchema.model_validate(asyncapi())


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi()

    for reference in _references(document):
        target = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [r for value in node.values() for r in _references(value)]
    if isinstance(node, list):
        return [r for value in node for r in _references(value)]
    return []
