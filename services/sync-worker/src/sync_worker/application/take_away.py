"""Taking away what we wrote."""

from typing import Final

from icloud import (
    CalendarGone,
    CredentialsRejected,
    Forbidden,
    HeldBack,
    NotUnderstood,
    PreconditionFailed,
    TryLater,
)
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.linked_calendar import LinkedCalendar
from sync_worker.domain.appointments import uid_in
from sync_worker.domain.exports import Copy, untouched

ROUNDS: Final = 3
"""Of write, refusal, look: somebody who changes an object more often than that within seconds is waited for."""

_log = get_logger("sync_worker.take_away")


async def taken_away(calendar: LinkedCalendar, copy: Copy) -> None:
    """Delete a cancelled appointment's copy, whatever the user made of it; none that is not ours by its UID.

    Raises as `LinkedCalendar`, CalendarGone for one in a calendar that is not there or closed to us.
    """
    if not calendar.may_delete_in(copy.path):
        raise CalendarGone
    etag = copy.etag
    for _ in range(ROUNDS):
        if etag is None:
            seen = await calendar.find(copy.href)
            if seen is None or seen.uid != uid_in(copy.href):
                return
            etag = seen.etag
        try:
            await calendar.delete(copy.href, if_match=etag)
        except PreconditionFailed:
            etag = None
        else:
            metrics.EXPORTED.labels("deleted").inc()
            return
    raise TryLater(None, "unsettled")


async def tidied(calendar: LinkedCalendar, appointment_id: str, copy: Copy) -> bool:
    """Delete a copy in a calendar that was linked before; what the user changed in it is theirs by now.

    False where it is to be tried again. Raises HeldBack.
    """
    if not calendar.may_delete_in(copy.path):
        return False
    try:
        seen = await calendar.find(copy.href)
        if seen and untouched(seen, copy):
            await calendar.delete(copy.href, if_match=seen.etag)
            metrics.EXPORTED.labels("moved").inc()
    except HeldBack:
        raise
    except (PreconditionFailed, TryLater, CredentialsRejected):
        return False
    except (CalendarGone, Forbidden, NotUnderstood) as error:
        _log.warning("copy_left_behind", appointment_id=appointment_id, reason=type(error).__name__)
    return True
