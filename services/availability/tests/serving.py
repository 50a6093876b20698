"""The interface over a timeline in memory."""

from fastapi import FastAPI
from services.availability.tests.booking_fakes import MemoryBookings
from services.availability.tests.booking_stage import STALE_AFTER, MovedClock, Stage
from services.availability.tests.examples import USER
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.tokens import Platform

from availability.application.answer import Answers
from availability.application.book import Book
from availability.application.change_appointments import CancelAppointment, ChangeAppointment
from availability.application.fresh_look import LookFirst
from availability.inbound.http import Stories, application
from runtime.auth import TokenChecker

WEEK = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"}
MINE = f"/v1/users/{USER}/busy"


def served(timeline: MemoryTimeline, platform: Platform, stage: Stage | None = None) -> FastAPI:
    stage = stage or memory_stage(timeline)
    look = LookFirst(timeline, stage.workers, stage.common_time, patience=stage.patience)
    stories = Stories(
        answers=Answers(timeline, stage.clock, STALE_AFTER),
        book=Book(stage.bookings, look, stage.world),
        change=ChangeAppointment(stage.bookings, stage.world),
        cancel=CancelAppointment(stage.bookings, stage.world),
        show=stage.showing,
        blocked_slots=stage.slots,
        clock=stage.clock,
    )
    return application(stories, TokenChecker(platform.settings))


def memory_stage(timeline: MemoryTimeline) -> Stage:
    """The stories over stores in memory."""
    clock = MovedClock()
    bookings = MemoryBookings(timeline, clock)
    return Stage(timeline, bookings, bookings, bookings, bookings, clock)
