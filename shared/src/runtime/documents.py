"""Documents that another version of us may have written: while releases run side by side, newer fields are met."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar


class Dataclass(Protocol):
    """What every dataclass has."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar("T", bound=Dataclass)


def made_of(cls: type[T], document: Mapping[str, Any]) -> T:
    """The dataclass that a document describes. What the class does not know is left out; what lacks has its default.

    Raises TypeError where a field without a default lacks.
    """
    names = _names(cls)
    if document.keys() <= names:
        return cls(**document)
    return cls(**{name: value for name, value in document.items() if name in names})


@cache
def _names(cls: type[Any]) -> frozenset[str]:
    """Worked out once: it is asked for each document."""
    return frozenset(one.name for one in fields(cls))
