"""Taking away what we wrote."""

from datetime import timedelta
from typing import Final

from icloud import (
    CalendarGone,
    CredentialsRejected,
    Forbidden,
    NotUnderstood,
    PreconditionFailed,
    TryLater,
)
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.linked_calendar import LinkedCalendar
from sync_worker.domain.appointments import uid_in
from sync_worker.domain.exports import Copy, Job, comes_until, untouched

ROUNDS: Final = 3
"""Of write, refusal, look: somebody who changes an object more often than that within seconds is waited for."""
TIDY_AGAIN_IN: Final = timedelta(hours=1)
Pause = TryLater | None
"""Why nothing more is to be asked for a while; None: whatever there is to ask may be asked."""

_log = get_logger("sync_worker.take_away")


async def taken_away(calendar: LinkedCalendar, copy: Copy, now: int) -> timedelta | None:
    """Delete a cancelled appointment's copy, whatever the user made of it; none that is not ours by its UID.

    When it is to be tried again: where the home does not show its calendar and nothing else says that it is gone, and
    where it may only not be seen yet. None: nothing of it is there. Raises as `LinkedCalendar`, CalendarGone for one in
    a calendar that is closed to us.
    """
    if not calendar.is_listed(copy.path):
        return None if await _is_gone(calendar, copy) else TIDY_AGAIN_IN
    if not calendar.may_delete_in(copy.path):
        raise CalendarGone
    etag = copy.etag
    for _ in range(ROUNDS):
        if etag is None:
            seen = await calendar.find(copy.href)
            if seen is None and (until := comes_until(copy, now)):
                return timedelta(seconds=until - now)
            if seen is None or seen.uid != uid_in(copy.href):
                return None
            etag = seen.etag
        try:
            await calendar.delete(copy.href, if_match=etag)
        except PreconditionFailed:
            etag = None
        else:
            metrics.EXPORTED.labels("deleted").inc()
            return None
    raise TryLater(None, "unsettled")


async def _is_gone(calendar: LinkedCalendar, copy: Copy) -> bool:
    """Whether a copy whose calendar the home does not show has gone with it: a home may be wrong for a moment."""
    try:
        seen = await calendar.find(copy.href)
    except CalendarGone:
        return True
    except (Forbidden, NotUnderstood):
        return False
    return seen is None or seen.uid != uid_in(copy.href)


async def tidied(calendar: LinkedCalendar, job: Job, now: int) -> tuple[tuple[Copy, ...], Pause]:
    """Delete the copies in calendars that were linked before; what the user changed in one is theirs by now.

    Those that are to be tried again, and perhaps a pause.
    """
    left = job.left
    try:
        for one in job.left:
            if (job.copy and one.href == job.copy.href) or await _tidied(calendar, job, one, now):
                left = tuple(other for other in left if other is not one)
    except TryLater as pause:
        return left, pause
    return left, None


async def _tidied(calendar: LinkedCalendar, job: Job, copy: Copy, now: int) -> bool:
    if not calendar.may_delete_in(copy.path):
        return False
    try:
        seen = await calendar.find(copy.href)
        if seen is None:
            return comes_until(copy, now) is None
        if untouched(seen, copy):
            await calendar.delete(copy.href, if_match=seen.etag)
            metrics.EXPORTED.labels("moved").inc()
    except TryLater as later:
        if later.after is not None:
            raise
        return False
    except (PreconditionFailed, CredentialsRejected, NotUnderstood):
        # A web page in the place of an answer tells nothing of the copy.
        return False
    except (CalendarGone, Forbidden) as error:
        _log.warning("copy_left_behind", appointment_id=job.appointment_id, reason=type(error).__name__)
    return True
