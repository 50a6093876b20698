"""What becomes of wishes about appointments, counted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from availability.application.metrics import BOOKINGS
from availability.application.refusals import (
    AlreadyCancelled,
    ChangedMeanwhile,
    KeyReused,
    KnowledgeTooOld,
    NoSuchAppointment,
    SlotTaken,
)
from availability.application.timeline import AskLater
from runtime.http import Problem

_RESULTS: Final[Mapping[type[Exception], str]] = {
    SlotTaken: "slot_taken",
    KnowledgeTooOld: "knowledge_too_old",
    KeyReused: "key_reused",
    AskLater: "ask_later",
    NoSuchAppointment: "no_such_appointment",
    AlreadyCancelled: "already_cancelled",
    ChangedMeanwhile: "changed_meanwhile",
    Problem: "invalid",
}


@contextmanager
def counted(wish: str) -> Iterator[None]:
    """Count what comes of a wish; `broken` is what only a fault of ours can be."""
    result = "broken"
    try:
        yield
        result = "done"
    except tuple(_RESULTS) as refused:
        result = next(said for kind, said in _RESULTS.items() if isinstance(refused, kind))
        raise
    finally:
        BOOKINGS.labels(wish, result).inc()
