"""The interface, put together."""

from fastapi import FastAPI

from availability.inbound.http import appointments, blocked_slots, busy, free, why
from availability.inbound.http.problems import REFUSALS, refuse
from availability.inbound.http.quick import QuickBusy
from availability.inbound.http.stories import Stories
from runtime.auth import TokenChecker
from runtime.http import install


def application(stories: Stories, checker: TokenChecker) -> FastAPI:
    """The whole interface; `checker` tells who asks."""
    app = FastAPI(
        title="CrocoClick availability",
        version="1",
        summary="When are users busy, how well do we know it, and may they be booked?",
        docs_url=None,
        redoc_url=None,
        # We tell traces and metrics ourselves; FastAPI would look at each request whether anybody wants its own.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.stories = stories
    app.state.checker = checker
    for noun in (busy, free, why, appointments, blocked_slots):
        app.include_router(noun.router)
    app.add_middleware(QuickBusy, stories, checker, busy.router.routes[0])
    install(app)
    for refusal in REFUSALS:
        app.add_exception_handler(refusal, refuse)
    return app
