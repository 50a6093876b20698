"""The interface over a timeline in memory."""

from datetime import timedelta

from fastapi import FastAPI
from services.availability.tests.examples import (
    NOW,
    USER,
)
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.tokens import Platform

from availability.application.answer import AnswerBusy
from availability.inbound.http import SCOPE, application
from runtime.auth import TokenChecker
from runtime.http import caller_of

WEEK = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"}
MINE = f"/v1/users/{USER}/busy"


def served(timeline: MemoryTimeline, platform: Platform) -> FastAPI:
    answer = AnswerBusy(timeline, lambda: NOW, timedelta(minutes=30))
    return application(answer, caller_of(TokenChecker(platform.settings), SCOPE))
