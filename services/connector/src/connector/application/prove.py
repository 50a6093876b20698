"""Showing a credential to Apple, within the limits."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import uuid4

from connector.application import metrics
from connector.application.refusals import TooManyAttempts
from connector.domain.attempts import Limit, Limits, Scope, Subject, Tally, judged
from connector.domain.calendars import Calendar
from connector.domain.connection import Owner
from icloud import AppleCredential, CalendarNotEnabled, CredentialsRejected, NotUnderstood, TryLater

_NOT_REFUSED: Final = (CalendarNotEnabled, TryLater, NotUnderstood)
"""Apple has accepted the credential, or said nothing about it."""
_RESULTS: Final[Mapping[type[Exception], str]] = {
    CredentialsRejected: "rejected",
    CalendarNotEnabled: "calendar_not_enabled",
    TryLater: "icloud_unavailable",
    NotUnderstood: "icloud_not_understood",
    TooManyAttempts: "too_many_attempts",
}
_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.0, 1.5, 2.0, 2.0, 2.0)
"""Seconds, ten in all, that somebody waits for others whose attempts are under way: Apple takes one or two."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What Apple showed to a credential that works. `principal` is Apple's own name of the account."""

    principal: str
    fingerprint: str
    calendars: tuple[Calendar, ...]

    def __repr__(self) -> str:
        return "Proven(…)"


class Apple(Protocol):
    """iCloud, as far as connecting needs it."""

    async def prove(self, credential: AppleCredential, connection_id: str) -> Proven:
        """Use the credential once; calendar ids are those of `connection_id`.

        Raises icloud's CredentialsRejected, CalendarNotEnabled, TryLater or NotUnderstood, nothing else of icloud.
        """


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt as one subject's count holds it; `token` is its name there, known before it is counted."""

    subject: Subject
    token: str


class Attempts(Protocol):
    """Where attempts are counted, for all replicas together and by one clock."""

    async def begin(self, attempt: Attempt, limit: Limit) -> Tally:
        """Count one more attempt of the subject, whatever the limit says; what is older than its span is forgotten.

        Where this fails the attempt may be counted all the same.
        """

    async def end(self, attempt: Attempt, *, counts: bool) -> None:
        """The attempt has its outcome; unless it `counts` it is taken out again. Nothing, where it was not counted.

        Never fails: what cannot be taken out goes on counting.
        """


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants a credential proven. `renews` is the connection that the very same Apple ID already belongs to."""

    owner: Owner
    renews: str | None = field(default=None)


class Prove:
    """Let Apple judge a credential, unless too many were refused lately.

    An attempt is counted before Apple is asked, and taken out again unless Apple refused it: right passwords and
    Apple's own troubles lock nobody out. Where an attempt is too many only because of others under way, it waits for
    them for a while. An owner who renews a connection is counted apart from strangers who try the same Apple ID.
    """

    def __init__(self, apple: Apple, attempts: Attempts, limits: Limits, network: Callable[[], str | None]) -> None:
        """`network` names the network that the present request is from; None: not known, and not counted."""
        self._apple = apple
        self._attempts = attempts
        self._limits = limits
        self._network = network

    async def __call__(self, asker: Asker, credential: AppleCredential, connection_id: str) -> Proven:
        """Raises TooManyAttempts and what Apple.prove raises."""
        result = "broken"
        try:
            async with self._attempt([*_subjects(asker, credential.apple_id, self._network())]):
                proven = await self._apple.prove(credential, connection_id)
            result = "validated"
        except tuple(_RESULTS) as refused:
            result = next(said for kind, said in _RESULTS.items() if isinstance(refused, kind))
            raise
        finally:
            metrics.PROOFS.labels(result).inc()
        return proven

    @asynccontextmanager
    async def _attempt(self, subjects: Sequence[Subject]) -> AsyncIterator[None]:
        attempts, refused = await self._begun(subjects), True
        try:
            yield
            refused = False
        except _NOT_REFUSED:
            refused = False
            raise
        finally:
            await self._end(attempts, counts=refused)

    async def _begun(self, subjects: Sequence[Subject]) -> Sequence[Attempt]:
        """The attempt, counted. Raises TooManyAttempts."""
        pauses = iter(_PAUSES)
        while True:
            attempts = [Attempt(one, uuid4().hex) for one in subjects]
            wait = judged(self._limits, await self._counted(attempts))
            if wait is None:
                return attempts
            await self._end(attempts, counts=False)
            pause = next(pauses, None) if wait.perhaps_sooner else None
            if pause is None:
                raise TooManyAttempts(wait.until, wait.after, wait.scope)
            await asyncio.sleep(pause)

    async def _counted(self, attempts: Sequence[Attempt]) -> Mapping[Scope, Tally]:
        """All of them or none: Apple is not asked where one cannot be counted."""
        counting = (self._attempts.begin(one, self._limits[one.subject.scope]) for one in attempts)
        outcomes = await asyncio.gather(*counting, return_exceptions=True)
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failed:
            # All are taken out: of one that failed perhaps only the answer was lost.
            await self._end(attempts, counts=False)
            raise failed[0]
        tallies = (outcome for outcome in outcomes if isinstance(outcome, Tally))
        return {one.subject.scope: tally for one, tally in zip(attempts, tallies, strict=True)}

    async def _end(self, attempts: Sequence[Attempt], *, counts: bool) -> None:
        await asyncio.gather(*(self._attempts.end(one, counts=counts) for one in attempts))


def _subjects(asker: Asker, apple_id: str, network: str | None) -> Iterator[Subject]:
    owner = asker.owner
    yield Subject(Scope.APPLE_ID, (apple_id,) if asker.renews is None else (apple_id, asker.renews))
    yield Subject(Scope.USER, (owner.account_id, owner.user_id))
    if network is not None:
        yield Subject(Scope.NETWORK, (network,))
    yield Subject(Scope.ACCOUNT, (owner.account_id,))
    yield Subject(Scope.EVERYONE)
