"""What a pass sees of the home. Most see just what called for nothing before, and need not even read it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from icloud import ListedCalendar, calendar_id
from sync_worker.application.accounts import Listing
from sync_worker.application.claim import Claim
from sync_worker.domain.daily import moment_before
from sync_worker.domain.passes import Remembered, unless_moved
from sync_worker.domain.tracked import Shown


@dataclass(frozen=True, slots=True)
class HomeSeen:
    """The home's calendars by id; none of them are read where it is as before, and calls for nothing again.

    `mark` names what is seen together with what it is held against: where two are equal, so are what the home shows,
    which calendars count, where we stand in each of them, and what others were told of the home.
    """

    mark: str
    calendars: Mapping[str, ListedCalendar] = field(default_factory=dict, repr=False)
    as_before: bool = False

    @classmethod
    def of(cls, claim: Claim, listing: Listing, remembered: Remembered) -> Self:
        """Read the listing, if need be. Raises what it raises."""
        mark = _mark(claim, listing.digest)
        if mark == claim.showed and _is_due_only_if_moved(claim, remembered):
            return cls(mark, as_before=True)
        return cls(mark, by_id(claim, listing.calendars()))

    @property
    def shown(self) -> Mapping[str, Shown]:
        """What passes go by."""
        return shown(self.calendars)

    @property
    def supported(self) -> frozenset[str]:
        """The calendars of events."""
        return frozenset(one for one, each in self.calendars.items() if each.supported)


def remembered_by(claim: Claim) -> Remembered:
    """What the home is held against."""
    return Remembered(
        conflict_calendars=claim.conflict_calendars,
        tracked=claim.calendars,
        basis=claim.basis,
        nth_pass=claim.passes,
        now=claim.claimed_at,
        daily_since=moment_before(claim.connection_id, claim.claimed_at),
        wishes=claim.wishes,
    )


def by_id(claim: Claim, listed: Iterable[ListedCalendar]) -> Mapping[str, ListedCalendar]:
    """Calendars of the claim's home by their ids."""
    return {calendar_id(claim.connection_id, one.path): one for one in listed}


def shown(listed: Mapping[str, ListedCalendar]) -> Mapping[str, Shown]:
    """What passes go by."""
    return {one: Shown(each.path, each.supported, each.ctag, each.token) for one, each in listed.items()}


def _mark(claim: Claim, digest: str) -> str:
    stand = [(one, claim.calendars.get(one)) for one in sorted(claim.conflict_calendars)]
    held_against = [(one, was and (was.path, was.ctag, was.listed_token)) for one, was in stand]
    told = claim.home_told
    return sha256(repr((digest, held_against, told.digest, told.missed)).encode()).hexdigest()[:32]


def _is_due_only_if_moved(claim: Claim, remembered: Remembered) -> bool:
    """Whether this pass does nothing but what the home calls for.

    Whatever comes with time or by somebody's word is looked at in each pass anew: wishes, holds, the day's work, the
    sixth pass, another basis, and appointments that wait or are over (`ExportAppointments`).
    """
    now, exports, ahead = claim.claimed_at, claim.exports, claim.activity.next_appointment_at
    return (
        claim.as_of is not None
        and not claim.wishes
        and exports.reviewed == claim.setup_revision
        and (exports.due_at is None or exports.due_at > now)
        and (ahead is None or ahead > now)
        and unless_moved(remembered)
    )
