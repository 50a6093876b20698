from dataclasses import dataclass

import pytest

from runtime.documents import made_of


@dataclass(frozen=True, slots=True)
class Stall:
    owner: str
    open: bool = True


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"owner": "anna"}, Stall("anna")),
        ({"owner": "anna", "open": False}, Stall("anna", open=False)),
        ({"owner": "anna", "since_the_next_release": {"tables": 2}}, Stall("anna")),
    ],
)
def test_a_document_is_known_by_what_is_known_of_it(document: dict[str, object], expected: Stall) -> None:
    assert made_of(Stall, document) == expected


def test_what_is_needed_must_be_there() -> None:
    with pytest.raises(TypeError):
        made_of(Stall, {"open": True})
