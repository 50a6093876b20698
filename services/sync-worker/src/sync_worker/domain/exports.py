"""What is to be done about an appointment in iCloud, and what is made of what is found there."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum, StrEnum, auto
from typing import Final

from sync_worker.domain.appointments import Agreed, uid_in
from sync_worker.domain.cadence import chance
from sync_worker.domain.found import Found
from sync_worker.domain.values import Span

_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=6)
_DOUBLINGS: Final = 9
"""Past this many the doubled minute exceeds the longest wait anyway."""
_JITTER: Final = 0.2
_COMES_WITHIN: Final = timedelta(minutes=5)
"""So long after it was to be created an object may still come: its write got lost on the way, or is shown late."""


class Failure(StrEnum):
    """Why an appointment is not in the linked calendar. The values are stable: they are told and shown."""

    CALENDAR_GONE = "calendar_gone"
    CALENDAR_READ_ONLY = "calendar_read_only"
    QUOTA = "quota"
    REFUSED = "refused"
    UID_CONFLICT = "uid_conflict"
    ICLOUD_UNAVAILABLE = "icloud_unavailable"
    ICLOUD_NOT_UNDERSTOOD = "icloud_not_understood"
    PASSED = "passed"

    @property
    def of_calendar(self) -> bool:
        """Whether every other appointment would meet it too."""
        return self in {self.CALENDAR_GONE, self.CALENDAR_READ_ONLY, self.QUOTA, self.ICLOUD_UNAVAILABLE}


class ChangeKind(StrEnum):
    """What the user did to an exported appointment on the Apple side."""

    MOVED = "moved"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Copy:
    """An appointment's object in one calendar, as far as we know.

    Without a fingerprint it is not known whether it is there; without an ETag, in which version.
    """

    path: str = field(repr=False)
    href: str = field(repr=False)
    etag: str | None = None
    says: str | None = None
    alarm_minutes: int | None = None
    revision: int = 0
    """The appointment's revision that it shows; 0: none for sure."""
    at: int = 0
    """When it was written, or was to be created, in epoch seconds."""
    arrived: bool = False
    """Whether iCloud has shown, by its ETag, that it was there at some time since it was created."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the user did, to which revision, and what the object says since (empty: nothing of ours)."""

    revision: int
    kind: ChangeKind
    says: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One appointment: what is wanted, and how far it has come.

    `left` are copies in calendars that were linked before, to be taken away.
    """

    appointment_id: str
    revision: int
    agreed: Agreed | None
    """None: it was cancelled."""
    copy: Copy | None = None
    left: tuple[Copy, ...] = ()
    change: Change | None = None
    tries: int = 0
    """Failed ones since it was last wanted or went well."""

    @property
    def users(self) -> bool:
        """Whether the user changed it in iCloud, and CrocoClick has not since."""
        return self.change is not None and self.change.revision >= self.revision


class Do(Enum):
    """What a job calls for."""

    NOTHING = auto()
    WRITE = auto()
    LOOK = auto()
    """See what became of it, and write nothing."""
    REMOVE = auto()
    TELL = auto()
    """Write nothing: all is as wanted, and the last that was told is something else."""
    GIVE_UP = auto()
    """It is over and was never written."""


def planned(job: Job, path: str, alarm_minutes: int | None, now: int) -> tuple[Job, Do]:
    """The job as it is to be done with the linked calendar at `path`, and what is to be done first."""
    if job.agreed is None:
        return job, Do.REMOVE if job.copy or job.left else Do.NOTHING
    copy = job.copy
    if job.users:
        settled = Do.TELL if job.tries else Do.NOTHING
        return job, Do.LOOK if copy and copy.etag is None else settled
    if job.agreed.span.end <= now:
        return job, _once_past(job, path, job.agreed.fingerprint)
    if copy is None or copy.path != path:
        return _moved(job, path), Do.WRITE
    return job, _kept_in_step(job, copy, job.agreed.fingerprint) if copy.alarm_minutes == alarm_minutes else Do.WRITE


def _once_past(job: Job, path: str, wanted: str) -> Do:
    """What is over is not brought into a calendar; what is in it is kept in step."""
    if job.copy is None:
        return Do.GIVE_UP
    if job.copy.says is None:
        return Do.LOOK
    return _kept_in_step(job, job.copy, wanted) if job.copy.path == path else Do.NOTHING


def _kept_in_step(job: Job, copy: Copy, wanted: str) -> Do:
    """What the user made of it is replaced by CrocoClick's newer word, even if that says what was said before."""
    if copy.etag is None or copy.says != wanted or job.change:
        return Do.WRITE
    return Do.TELL if copy.revision < job.revision or job.tries else Do.NOTHING


def _moved(job: Job, path: str) -> Job:
    """The copy is to be in another calendar; one that is left there from earlier is taken up again.

    Where nothing was ever written to the calendar linked between, there may be none but what is left.
    """
    back = next((one for one in job.left if one.path == path), None)
    left = tuple(one for one in job.left if one is not back)
    if job.copy is not None:
        left = (*left, job.copy)
    return replace(job, copy=replace(back, etag=None, says=None, revision=0) if back else None, left=left)


class Verdict(Enum):
    """What was found where our copy is to be."""

    ABSENT = auto()
    """Nothing: write it."""
    AS_WANTED = auto()
    OURS = auto()
    """What we wrote, in an older revision, or something that CrocoClick's newer word replaces: write over it."""
    CHANGED = auto()
    """The user changed what we wrote in the revision that still holds."""
    FOREIGN = auto()
    """Somebody else's object has our name."""


def judged(found: Found | None, job: Job) -> Verdict:
    """What `found` is to a job that wants its appointment there."""
    copy, wanted = job.copy, job.agreed.fingerprint if job.agreed else ""
    told = job.users or (copy is not None and copy.says is not None and copy.revision >= job.revision)
    if found is None:
        return Verdict.CHANGED if told else Verdict.ABSENT
    if copy is not None and found.uid != uid_in(copy.href):
        return Verdict.FOREIGN
    if found.says == wanted:
        return Verdict.AS_WANTED
    if found.says and found.says == found.wrote and not job.users:
        return Verdict.OURS
    # An older revision may have said the same: then it was that one that the user changed.
    newest = found.wrote == wanted and (copy is None or copy.says != wanted)
    return Verdict.CHANGED if told or newest else Verdict.OURS


def change_of(found: Found | None, job: Job) -> Change:
    """What the user did to it."""
    if found is None:
        return Change(job.revision, ChangeKind.DELETED)
    moved = job.agreed is not None and found.span != job.agreed.span
    return Change(job.revision, ChangeKind.MOVED if moved else ChangeKind.EDITED, found.says, found.span)


def comes_until(copy: Copy, now: int) -> int | None:
    """Until when a copy that is not to be seen may be there all the same (epoch seconds); None: it is not there.

    iCloud never told that it had arrived.
    """
    until = copy.at + int(_COMES_WITHIN.total_seconds())
    return until if not copy.arrived and now < until else None


def untouched(found: Found, copy: Copy) -> bool:
    """Whether a copy is what we wrote and nothing else."""
    return found.uid == uid_in(copy.href) and bool(found.says) and found.says in (copy.says, found.wrote)


def back_off(appointment_id: str, tries: int) -> timedelta:
    """How long to wait after so many tries in a row: a minute doubled each time, six hours at most, ± 20 %."""
    wait: timedelta = min(_FIRST_WAIT * 2 ** min(max(tries - 1, 0), _DOUBLINGS), _LONGEST_WAIT)
    return wait * (1 - _JITTER + 2 * _JITTER * chance(appointment_id, tries))
