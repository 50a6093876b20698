"""Appointments as passes need them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from sync_worker.application.claim import Claim
from sync_worker.domain.exports import Job
from sync_worker.domain.ownership import Own


class Jobs(Protocol):
    """The user's appointments, each with how far it has come. Of another connection's copies nothing is known."""

    async def due(self, claim: Claim, limit: int) -> Sequence[Job]:
        """Those to be tried by the time of the claim; cancelled ones first, then by their start."""

    async def reopen(self, claim: Claim, path: str, now: int) -> None:
        """Make those due that lie ahead and are not in the calendar at `path`, or not as the setup says.

        However often they have failed, that counts as once from here on: it was told.
        """

    async def copied(self, claim: Claim, event_ids: Collection[str]) -> Sequence[Job]:
        """Those whose copies are these calendar objects."""

    async def own(self, claim: Claim) -> Own:
        """When all of them take place by now, by what they are called in their objects (`appointments.name_of`)."""

    async def keep(self, claim: Claim, job: Job, due_at: datetime | None) -> None:
        """Note how far it has come; one that is wanted otherwise by now stays due.

        Raises LeaseLost, and then nothing was noted.
        """

    async def allowed(self, claim: Claim) -> bool:
        """Whether the user allows at this moment that the calendar is written that the claim names as linked.

        Raises LeaseLost.
        """

    async def ahead(self, claim: Claim, now: int) -> tuple[datetime | None, int | None]:
        """When the first of them is due, and when the next one begins."""

    async def forget(self, claim: Claim) -> None:
        """Nothing is known any more of what the connection wrote; what is wanted stays wanted."""
