"""When an appointment's alarm rings, as it is chosen and told."""

from collections.abc import Sequence
from typing import Final

from connector.inbound.pages.catalogue import Words

_ALARMS: Final = (0, 5, 10, 15, 30, 60, 120, 1_440, 2_880)
"""Minutes, as Apple's own Calendar offers them."""
_HOUR: Final = 60
_DAY: Final = 1_440


def alarms(words: Words, present: int | None) -> Sequence[tuple[int, str]]:
    """Apple's own, and the present one, which the API may have chosen."""
    several = sorted({*_ALARMS, *(() if present is None else (present,))})
    return [(minutes, alarm_said(words, minutes)) for minutes in several]


def alarm_said(words: Words, minutes: int | None) -> str:
    """Like `30 minutes before`."""
    if minutes is None:
        return words("setup.alarm.none")
    if minutes == 0:
        return words("setup.alarm.at_time")
    for length, unit in ((_DAY, "days"), (_HOUR, "hours")):
        if minutes % length == 0:
            return words.counted(f"setup.alarm.{unit}", minutes // length)
    return words.counted("setup.alarm.minutes", minutes)
