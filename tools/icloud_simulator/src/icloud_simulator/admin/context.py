"""What the admin routes hold on to."""

from typing import Annotated, Protocol

from fastapi import Depends, Request

from icloud_simulator.facts import OldHost
from icloud_simulator.server import CalDavServer
from icloud_simulator.state import Account
from icloud_simulator.world import World


class Simulated(Protocol):
    """A running simulator."""

    url: str
    world: World
    server: CalDavServer

    async def move_partition(self, apple_id: str, base: str | None, old_host: OldHost) -> Account:
        """Move an account; without a base, to a port that is opened for it."""


def _running(request: Request) -> Simulated:
    running: Simulated = request.app.state.simulator
    return running


def _world(request: Request) -> World:
    return _running(request).world


Running = Annotated[Simulated, Depends(_running)]
TheWorld = Annotated[World, Depends(_world)]
