"""How appointments fare on their way to the linked calendar."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from availability.domain.exports import Change, ChangeKind, Outcome, Written
from contracts.events import AppointmentExported, AppointmentExportFailed, ExportedEventChangedInICloud

ExportNews = AppointmentExported | AppointmentExportFailed | ExportedEventChangedInICloud


class Exports(Protocol):
    """What is kept of appointments' exports."""

    async def put(self, news: Sequence[tuple[str, Outcome | Change]]) -> None:
        """Keep each, in this order, beside its appointment, unless one of its kind of a later revision is known.

        What was written stays known while it fails later. What comes of an appointment that is not known is dropped.
        """


class RecordExports:
    """Keeps the newest word on each appointment; of two words on one revision the later one counts."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    async def __call__(self, news: Sequence[ExportNews]) -> None:
        await self._exports.put([(piece.appointment_id, _said(piece)) for piece in news])


def _said(news: ExportNews) -> Outcome | Change:
    match news:
        case AppointmentExported():
            written = Written(news.connection_id, datetime.fromtimestamp(news.exported_at, UTC))
            return Outcome(news.revision, written=written, as_agreed=news.as_agreed is True)
        case AppointmentExportFailed():
            again = None if news.next_try_at is None else datetime.fromtimestamp(news.next_try_at, UTC)
            return Outcome(news.revision, news.reason, again)
        case ExportedEventChangedInICloud():
            return Change(news.revision, ChangeKind(news.change), news.span)
