"""Appointments as tests make them."""

from typing import Any

from contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentExported,
    AppointmentExportFailed,
    AppointmentRescheduled,
    CalendarConnected,
    ExportedEventChangedInICloud,
)
from contracts.facts import ConflictCalendar, Setup
from icloud import calendar_id
from sync_worker.application.track_appointments import AppointmentNews, TrackAppointments
from sync_worker.domain.appointments import is_own, uid_of
from worker_examples import ACCOUNT, HOUR, USER, connected, disconnected, moment
from worker_fakes import FakeCalendar
from worker_stage import Stage

ExportNews = AppointmentExported | AppointmentExportFailed | ExportedEventChangedInICloud
START = moment("2027-03-02T10:00")


def booked(appointment_id: str, **changes: Any) -> AppointmentBooked:  # noqa: ANN401 - any field of it
    usual: dict[str, Any] = {
        "account_id": ACCOUNT,
        "user_id": USER,
        "connection_id": None,
        "epoch": 1,
        "revision": 1,
        "appointment_id": appointment_id,
        "start": START,
        "end": START + HOUR,
        "title": "Coupe, Camille Martin",
        "location": "12 rue des Lilas, Lyon",
        "notes": "Rings twice",
    }
    return AppointmentBooked(**{**usual, **changes})


def rescheduled(appointment_id: str, revision: int, **changes: Any) -> AppointmentRescheduled:  # noqa: ANN401 - any field
    return AppointmentRescheduled(**booked(appointment_id, revision=revision, **changes).model_dump())


def cancelled(appointment_id: str, revision: int) -> AppointmentCancelled:
    return AppointmentCancelled(
        account_id=ACCOUNT,
        user_id=USER,
        connection_id=None,
        epoch=1,
        revision=revision,
        appointment_id=appointment_id,
    )


def linked(
    connection_id: str,
    linked_id: str | None,
    *others: str,
    alarm_minutes: int | None = None,
    **changes: Any,  # noqa: ANN401 - any field of it
) -> CalendarConnected:
    """Connected, with full access and this linked calendar unless `changes` say otherwise."""
    ids = [one for one in (linked_id, *others) if one]
    setup = Setup(
        linked_calendar_id=linked_id,
        conflict_calendars=tuple(ConflictCalendar(id=one) for one in ids),
        alarm_minutes=alarm_minutes,
    )
    return connected(connection_id, *ids, **{"setup": setup, **changes})


class Desk:
    """Where appointments of a stage's user are made; `home` is linked from the start, and `work` is there too."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.home = stage.icloud.calendar("home")
        self.work = stage.icloud.calendar("work")
        self._revision = 100

    async def link(self, calendar: FakeCalendar | None, **changes: Any) -> None:  # noqa: ANN401 - any field of it
        """The user links a calendar, or none."""
        self._revision += 1
        one = self.stage.connection_id
        ids = [calendar_id(one, each.path) for each in (self.home, self.work) if each is not calendar]
        first = None if calendar is None else calendar_id(one, calendar.path)
        await self.stage.store.connections.follow(linked(one, first, *ids, revision=self._revision, **changes))

    async def open(self, **changes: Any) -> None:  # noqa: ANN401 - any field of it
        """Link `home`, read everything once, and make sure that it is as empty as it seems."""
        await self.link(self.home, **changes)
        await self.stage.sync(2)

    async def disconnect(self) -> None:
        """The user disconnects, and all is erased."""
        self._revision += 1
        one = self.stage.connection_id
        await self.stage.store.connections.end(one, epoch=1, revision=self._revision, whose=disconnected(one))
        await self.stage.worker()(await self.stage.claim())

    async def hear(self, news: AppointmentNews) -> bool:
        """CrocoClick says something."""
        return await TrackAppointments(self.stage.store.appointments, lambda: self.stage.now)(news)

    async def say(self, news: AppointmentNews) -> None:
        """CrocoClick says something, and a pass follows."""
        await self.hear(news)
        await self.stage.sync()

    def texts(self, calendar: FakeCalendar | None = None) -> list[str]:
        """Our objects in a calendar."""
        return [text for href, (_, text) in (calendar or self.home).texts.items() if is_own(href)]

    def href(self, appointment_id: str, calendar: FakeCalendar | None = None) -> str:
        path = (calendar or self.home).path
        return f"{path}{uid_of(appointment_id, path)}.ics"

    def edit(self, appointment_id: str, old: str, new: str) -> None:
        """The user changes it on the iPhone."""
        text = self.home.texts[self.href(appointment_id)][1]
        assert old in text
        self.home.put(uid_of(appointment_id, self.home.path), text.replace(old, new))

    def delete(self, appointment_id: str) -> None:
        """The user deletes it on the iPhone."""
        self.home.delete(uid_of(appointment_id, self.home.path))

    def told(self) -> list[tuple[str, int]]:
        """What was said about exports: kind, reason or change, and revision."""
        return [told(one) for one in self.news()]

    def news(self) -> list[ExportNews]:
        """What was said about exports."""
        return [one for one in self.stage.events.said if isinstance(one, ExportNews)]


def told(news: ExportNews) -> tuple[str, int]:
    """What a piece of news says, in short."""
    match news:
        case AppointmentExportFailed(reason=reason, revision=revision):
            return reason, revision
        case ExportedEventChangedInICloud(change=change, revision=revision):
            return change.value, revision
        case AppointmentExported(revision=revision):
            return "exported", revision
