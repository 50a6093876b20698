"""Which occurrences block their user, and by which rule."""

from dataclasses import dataclass
from enum import StrEnum


class AllDayRule(StrEnum):
    """How all-day events of one calendar count."""

    AS_MARKED = "as_marked"
    ALWAYS_BLOCK = "always_block"
    NEVER_BLOCK = "never_block"


class Rule(StrEnum):
    """Why something blocks or is ignored; the first seven are asked of occurrences, in this order."""

    NOT_A_CONFLICT_CALENDAR = "not_a_conflict_calendar"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    OWN_APPOINTMENT = "own_appointment"
    ALL_DAY_RULE = "all_day_rule"
    MARKED_FREE = "marked_free"
    BUSY = "busy"
    # What no calendar decides:
    APPOINTMENT = "appointment"
    BLOCKED_SLOT = "blocked_slot"
    UNREADABLE = "unreadable"
    """It could not be read; what can be told of its time blocks."""
    TAKES_NO_TIME = "takes_no_time"
    REMOVALS_HELD = "removals_held"
    """Events of the calendar are missing in iCloud, in a way that is not believed yet: they count as before."""
    KEPT_WHILE_STALE = "kept_while_stale"
    CLOSED_WHILE_STALE = "closed_while_stale"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read about occurrences. `transparent` is already true for an all-day event without TRANSP."""

    cancelled: bool = False
    declined: bool = False
    transparent: bool = False
    tentative: bool = False
    own_appointment: bool = False
    all_day: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an occurrence blocks, and the rule that decided."""

    blocks: bool
    rule: Rule


def decide(facts: Facts, all_day: AllDayRule | None) -> Decision:
    """The first rule that applies; `all_day` is the calendar's rule, None for what is no conflict calendar.

    A tentative occurrence blocks like any other.
    """
    ignored_by = _ignored_by(facts, all_day)
    if ignored_by is not None:
        return Decision(blocks=False, rule=ignored_by)
    if facts.all_day and all_day in (AllDayRule.ALWAYS_BLOCK, AllDayRule.NEVER_BLOCK):
        return Decision(blocks=all_day is AllDayRule.ALWAYS_BLOCK, rule=Rule.ALL_DAY_RULE)
    if facts.transparent:
        return Decision(blocks=False, rule=Rule.MARKED_FREE)
    return Decision(blocks=True, rule=Rule.BUSY)


def _ignored_by(facts: Facts, all_day: AllDayRule | None) -> Rule | None:
    """The first of the rules that no setting of the calendar can overrule."""
    if all_day is None:
        return Rule.NOT_A_CONFLICT_CALENDAR
    if facts.cancelled:
        return Rule.CANCELLED
    if facts.declined:
        return Rule.DECLINED
    return Rule.OWN_APPOINTMENT if facts.own_appointment else None
