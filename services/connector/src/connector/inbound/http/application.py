"""The ASGI application."""

from fastapi import FastAPI

from connector.inbound.http import changes, routes
from connector.inbound.http.stories import CallerOf, Stories
from runtime.http import install


def application(stories: Stories, caller_of: CallerOf) -> FastAPI:
    """The interface, ready to be served."""
    app = FastAPI(
        title="CrocoClick iCloud connector",
        version="1",
        summary="Connects a user's Apple account",
        docs_url=None,
        redoc_url=None,
    )
    app.state.stories = stories
    app.state.caller_of = caller_of
    app.include_router(routes.router)
    app.include_router(changes.router)
    install(app)
    return app
