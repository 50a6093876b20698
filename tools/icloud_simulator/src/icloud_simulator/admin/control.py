"""Faults, the request log, invitations, the clock."""

from dataclasses import asdict

from fastapi import APIRouter

from icloud_simulator.admin.context import Running, TheWorld
from icloud_simulator.admin.control_models import (
    ClockMove,
    ClockView,
    FaultsView,
    Health,
    InvitationView,
    RequestView,
    TotalView,
)
from icloud_simulator.facts import FaultsSet
from icloud_simulator.faults import Knobs
from icloud_simulator.world import World

router = APIRouter(tags=["control"])


def _faults_view(simulator: Running, dsid: str) -> FaultsView:
    return FaultsView(
        set=dict(simulator.world.state.faults.get(dsid, {})), active=simulator.server.faults.of(dsid).knobs
    )


def _set_faults(simulator: Running, dsid: str, knobs: Knobs | None) -> FaultsView:
    chosen = {} if knobs is None else knobs.model_dump(mode="json", exclude_unset=True)
    simulator.world.commit(FaultsSet(dsid, chosen))
    simulator.server.faults.changed()
    return _faults_view(simulator, dsid)


def _clock_view(world: World) -> ClockView:
    return ClockView(now=world.clock.now(), offset_seconds=world.clock.offset)


@router.get("/health")
async def health(simulator: Running) -> Health:
    """Answer as soon as both sides listen."""
    return Health(caldav_url=simulator.url, accounts=len(simulator.world.state.accounts))


@router.get("/faults")
async def show_faults(simulator: Running) -> FaultsView:
    """Show the knobs of all accounts."""
    return _faults_view(simulator, "")


@router.put("/faults")
async def set_faults(simulator: Running, knobs: Knobs) -> FaultsView:
    """Replace the knobs of all accounts. Dice and throttles start anew."""
    return _set_faults(simulator, "", knobs)


@router.delete("/faults")
async def clear_faults(simulator: Running) -> FaultsView:
    """Turn all knobs off, those of single accounts too."""
    for dsid in list(simulator.world.state.faults):
        _set_faults(simulator, dsid, None)
    return _faults_view(simulator, "")


@router.get("/accounts/{apple_id}/faults")
async def show_account_faults(simulator: Running, apple_id: str) -> FaultsView:
    """Show the knobs of one account."""
    return _faults_view(simulator, simulator.world.account(apple_id).dsid)


@router.put("/accounts/{apple_id}/faults")
async def set_account_faults(simulator: Running, apple_id: str, knobs: Knobs) -> FaultsView:
    """Replace the knobs of one account; each wins over the one of all."""
    return _set_faults(simulator, simulator.world.account(apple_id).dsid, knobs)


@router.delete("/accounts/{apple_id}/faults")
async def clear_account_faults(simulator: Running, apple_id: str) -> FaultsView:
    """Forget the knobs of one account."""
    return _set_faults(simulator, simulator.world.account(apple_id).dsid, None)


@router.get("/requests")
async def list_requests(simulator: Running, since: int = 0, account: str | None = None) -> list[RequestView]:
    """List the newest 20,000 requests after a number, oldest first."""
    wanted = None if account is None else simulator.world.account(account).apple_id
    return [RequestView(**asdict(entry)) for entry in simulator.server.log.since(since, wanted)]


@router.get("/requests/totals")
async def sum_requests(simulator: Running) -> list[TotalView]:
    """Sum all requests by account, kind (method or report) and status."""
    return [
        TotalView(account=account, kind=kind, status=status, **asdict(total))
        for (account, kind, status), total in simulator.server.log.totals.items()
    ]


@router.delete("/requests", status_code=204)
async def forget_requests(simulator: Running) -> None:
    """Forget requests and sums."""
    simulator.server.log.clear()


@router.get("/invitations")
async def list_invitations(world: TheWorld, account: str | None = None) -> list[InvitationView]:
    """List what a real server would have mailed to people."""
    dsid = None if account is None else world.account(account).dsid
    return [
        InvitationView(
            account=world.state.accounts[item.dsid].apple_id,
            href=item.href,
            at=item.at,
            method=item.method,
            organizer=item.organizer,
            attendees=item.attendees,
        )
        for item in world.state.invitations
        if dsid in {None, item.dsid}
    ]


@router.get("/clock")
async def show_clock(world: TheWorld) -> ClockView:
    """Show the simulated now."""
    return _clock_view(world)


@router.put("/clock")
async def move_clock(world: TheWorld, move: ClockMove) -> ClockView:
    """Move the simulated now."""
    world.move_clock(move.offset_seconds)
    return _clock_view(world)
