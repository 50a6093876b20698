"""Why a time is taken or open: all that touches it, each with the rule that decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from availability.domain.blocking import Decision, Rule
from availability.domain.busy import Entry, Known, KnownOccurrences, decisions
from availability.domain.changes import WhenStale
from availability.domain.doubts import Held, Quarantined, UnreadableEvent
from availability.domain.freshness import Ageing, Freshness, State, freshness
from availability.domain.intervals import Span, Window, meets

MOST: Final = 1_000
"""So much is told of what blocks, and of what was ignored: a page shows less, and a user may have a million."""


class Kind(StrEnum):
    """What touches a time."""

    EVENT = "event"
    APPOINTMENT = "appointment"
    BLOCKED_SLOT = "blocked_slot"
    QUARANTINED = "quarantined"
    """An event that we cannot read."""
    HELD = "held"
    """A calendar of which events are missing in iCloud, which is not believed yet."""
    STALE = "stale"
    """A calendar that could not be read for too long."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that touches the time, with the rule that decided.

    The span is whole; that of a calendar's own troubles is the time that was asked about, and None is a time that
    nobody can tell.
    """

    kind: Kind
    rule: Rule
    span: Span | None
    calendar_id: str | None = None
    id: str | None = None
    title: str | None = None
    why: str | None = None
    """In a word, where the rule does not say it all."""


@dataclass(frozen=True, slots=True)
class Why:
    """What blocks, and what was seen and ignored; by their starts, the first MOST of each."""

    blocking: tuple[Reason, ...]
    ignored: tuple[Reason, ...]
    freshness: Freshness
    more_blocking: bool = False
    """Whether more blocks than is told."""
    more_ignored: bool = False


def why(known: Known, window: Window, ageing: Ageing, *, titles: bool = False) -> Why:
    """All that touches the window, the first MOST of each side.

    All of what blocks, merged and cut to the window, is what `busy` answers. Of occurrences that are decided alike no
    more need be known than MOST + 1 of those that begin first, and one of each event.

    `titles`: whether the asker may see them, where the user lets them leave iCloud.
    """
    age = freshness(known.connections, ageing, window)
    titled = titles and any(connection.titles for connection in known.connections)
    found = {
        *_decided(known, window, titled=titled),
        *_unreadable(known, window),
        *_held(known, window),
        *_stale(window, age),
    }
    reasons = sorted(found, key=_order)
    blocking = [reason for reason, blocks in reasons if blocks]
    ignored = [reason for reason, blocks in reasons if not blocks]
    return Why(
        blocking=tuple(blocking[:MOST]),
        ignored=tuple(ignored[:MOST]),
        freshness=age,
        more_blocking=len(blocking) > MOST,
        more_ignored=len(ignored) > MOST,
    )


def _decided(known: Known, window: Window, *, titled: bool) -> Iterator[tuple[Reason, bool]]:
    """Occurrences that stand under two periods are met twice."""
    unreadable = {one.event_id: one.reason for _, one in _quarantine(known)}
    for one, decision in decisions(known):
        for span in one.spans:
            if not meets(span, window):
                continue
            took = decision if span[0] < span[1] else Decision(blocks=False, rule=Rule.TAKES_NO_TIME)
            if isinstance(one, Entry):
                yield Reason(Kind(one.kind), took.rule, span, id=one.id), took.blocks
            else:
                yield _occurrence(one, span, took, unreadable, titled=titled), took.blocks


def _occurrence(
    one: KnownOccurrences, span: Span, decision: Decision, unreadable: dict[str, str], *, titled: bool
) -> Reason:
    event_id = one.event.id if one.event else None
    title = one.event.title if one.event and titled else None
    flaw = unreadable.get(event_id) if event_id else None
    if flaw is None:
        return Reason(Kind.EVENT, decision.rule, span, one.calendar_id, event_id, title)
    rule = Rule.UNREADABLE if decision.blocks else decision.rule
    return Reason(Kind.QUARANTINED, rule, span, one.calendar_id, event_id, title, flaw)


def _unreadable(known: Known, window: Window) -> Iterator[tuple[Reason, bool]]:
    """Those that no known occurrence stands for here."""
    shown = {one.event.id for one in known.occurrences if one.event and any(meets(span, window) for span in one.spans)}
    for calendar_id, one in _quarantine(known):
        if one.event_id not in shown and (one.span is None or meets(one.span, window)):
            reason = Reason(Kind.QUARANTINED, Rule.UNREADABLE, one.span, calendar_id, id=one.event_id, why=one.reason)
            yield reason, False


def _quarantine(known: Known) -> Iterator[tuple[str, UnreadableEvent]]:
    for doubt in known.doubts:
        if isinstance(doubt, Quarantined):
            for event in doubt.events:
                yield doubt.calendar_id, event


def _held(known: Known, window: Window) -> Iterator[tuple[Reason, bool]]:
    for doubt in known.doubts:
        if isinstance(doubt, Held) and doubt.since is not None:
            asked = (window.start, window.end)
            yield Reason(Kind.HELD, Rule.REMOVALS_HELD, asked, doubt.calendar_id, why=doubt.why), False


def _stale(window: Window, age: Freshness) -> Iterator[tuple[Reason, bool]]:
    """Each calendar that is behind; where the account closes, at least one thing that says so."""
    closes = age.consequence is WhenStale.CLOSE
    asked = (window.start, window.end)
    rule = Rule.CLOSED_WHILE_STALE if closes else Rule.KEPT_WHILE_STALE
    behind = [one for one in age.calendars if one.state in (State.STALE, State.NEEDS_RECONNECT)]
    for calendar in behind:
        yield Reason(Kind.STALE, rule, asked, calendar.id, why=calendar.state), closes
    if closes and not behind:
        yield Reason(Kind.STALE, rule, asked, why=age.state), True


def _order(found: tuple[Reason, bool]) -> tuple[int, int, str, str]:
    """What has no time comes last."""
    reason, _ = found
    start, end = reason.span or (2**53, 2**53)
    return start, end, reason.kind, reason.id or reason.calendar_id or ""
