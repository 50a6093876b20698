"""What is said on the sync topic: how reading goes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol, TypedDict

from contracts.events import (
    CalendarAge,
    CompletedSync,
    CredentialsRejected,
    Event,
    EventsQuarantined,
    HoldState,
    LastEvent,
    QuarantinedObject,
    RemovalsHeld,
    SyncCompleted,
    SyncProgress,
)
from contracts.facts import Span
from sync_worker.application.claim import Claim
from sync_worker.application.publish_states import Events
from sync_worker.domain.holds import Held
from sync_worker.domain.outbox import Known
from sync_worker.domain.rejections import Rejections

_MOST_QUARANTINED: Final = 1_000
"""Objects named in one message: some 150 bytes each."""
_MOST_STEPS: Final = 50
_FEWEST_A_STEP: Final = 250


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a pass has read: up to `as_of`, but for the calendars in `ages`, and all of them for the time `known`."""

    as_of: int
    ages: tuple[CalendarAge, ...]
    known: Span


class Completions(Protocol):
    """Completed passes on their way to Kafka, many in one message."""

    def add(self, completed: CompletedSync) -> None:
        """Said within about a second, unless the process dies: the next pass then says it."""


class Tell:
    """Says how the passes of one worker go."""

    def __init__(self, events: Events, completions: Completions) -> None:
        self._events = events
        self._completions = completions

    async def say(self, event: Event) -> None:
        """Say one thing; returns when Kafka has it."""
        await self._events.publish([event])

    async def completed(self, claim: Claim, revision: int, reached: Reached) -> None:
        """A connection is read.

        The end of a first import is on Kafka when this returns; that of any other pass soon after.
        """
        done = CompletedSync(
            account_id=claim.account_id,
            user_id=claim.user_id,
            connection_id=claim.connection_id,
            epoch=claim.epoch,
            revision=revision,
            as_of=reached.as_of,
            calendars=reached.ages,
            last_event=_last_event(claim),
            setup_revision=claim.setup_revision or None,
            known=reached.known,
        )
        if claim.as_of is None:
            await self._events.publish([SyncCompleted(connections=(done,))])
        else:
            self._completions.add(done)


def _last_event(claim: Claim) -> LastEvent | None:
    last = claim.trail.last
    return LastEvent(event_id=last.event_id, epoch=last.epoch, revision=last.revision) if last else None


class Progress:
    """Tells how far a first import is, in at most some fifty messages once it is known how much there is."""

    def __init__(self, tell: Tell, claim: Claim, revisions: Iterator[int]) -> None:
        self._tell = tell
        self._claim = claim
        self._revisions = revisions
        self._imported = 0
        self._total: int | None = None
        self._next = 0

    async def begin(self, total: int) -> None:
        """So many objects are to come yet."""
        self._total = self._imported + total
        self._next = 0
        await self.heard(0)

    async def heard(self, imported: int) -> None:
        """So many more are imported."""
        self._imported += imported
        if self._claim.as_of is not None or self._total == 0 or self._imported < self._next:
            return
        step = self._imported if self._total is None else self._total // _MOST_STEPS
        self._next = self._imported + max(_FEWEST_A_STEP, step)
        await self._tell.say(
            SyncProgress(
                **whose(self._claim, next(self._revisions)),
                imported=self._imported if self._total is None else min(self._imported, self._total),
                total=self._total,
            )
        )


def quarantined(claim: Claim, revision: int, calendar_id: str, known: Sequence[Known]) -> EventsQuarantined:
    """All that cannot be read of one calendar."""
    return EventsQuarantined(
        **whose(claim, revision),
        calendar_id=calendar_id,
        objects=tuple(
            QuarantinedObject(
                event_id=one.event_id,
                reason=one.quarantine.reason,
                span=(one.quarantine.span.start, one.quarantine.span.end) if one.quarantine.span else None,
            )
            for one in known[:_MOST_QUARANTINED]
            if one.quarantine
        ),
    )


def quarantine_digest(known: Sequence[Known]) -> str:
    """Of a set of quarantined objects; empty for none."""
    told = "\n".join(sorted(f"{one.event_id} {one.quarantine}" for one in known))
    return sha256(told.encode()).hexdigest()[:16] if told else ""


def removals(claim: Claim, revision: int, calendar_id: str, held: Held, state: HoldState) -> RemovalsHeld:
    """Removals that are held, or were."""
    return RemovalsHeld(
        **whose(claim, revision),
        calendar_id=calendar_id,
        state=state,
        known=held.known,
        missing=held.missing,
        since=int(held.since.timestamp()),
        doubt=held.doubt.value,
        kept_until=int(held.kept_until.timestamp()) if held.kept_until and state is HoldState.HELD else None,
    )


def rejected(claim: Claim, revision: int, rejections: Rejections) -> CredentialsRejected:
    """Apple refuses the credential for good."""
    return CredentialsRejected(
        **whose(claim, revision),
        since=int(rejections.since.timestamp()),
        as_of=int(claim.as_of.timestamp()) if claim.as_of else None,
    )


class Whose(TypedDict):
    """The fields that every event about a connection has."""

    account_id: str
    user_id: str
    connection_id: str
    epoch: int
    revision: int


def whose(claim: Claim, revision: int) -> Whose:
    """What every event about a connection begins with."""
    return {
        "account_id": claim.account_id,
        "user_id": claim.user_id,
        "connection_id": claim.connection_id,
        "epoch": claim.epoch,
        "revision": revision,
    }
