"""The admin API as one application with its OpenAPI document."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from icloud_simulator.admin import accounts, calendars, control, objects
from icloud_simulator.admin.context import Simulated
from icloud_simulator.world import Taken, Unknown

_ABOUT = (
    "Opens accounts, plays the iPhone user, sets faults, tells what was asked. Apple IDs stand in paths as they are."
)


def admin_app(simulator: Simulated) -> FastAPI:
    """Make the admin API of a simulator. Its handlers run on the simulator's event loop."""
    app = FastAPI(title="iCloud simulator", version="1", description=_ABOUT, docs_url=None, redoc_url=None)
    app.state.simulator = simulator
    for router in (accounts.router, calendars.router, objects.router, control.router):
        app.include_router(router, prefix="/v1")
    app.add_exception_handler(Unknown, _unknown)
    app.add_exception_handler(Taken, _taken)
    return app


async def _unknown(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"no such {error}"}, status_code=404)


async def _taken(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"{error} exists already"}, status_code=409)
