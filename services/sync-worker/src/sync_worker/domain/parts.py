"""A series cut into parts, each with one rule throughout and what replaces its instances."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sync_worker.domain.budget import Budget
from sync_worker.domain.events import Event
from sync_worker.domain.names import is_instance, meant
from sync_worker.domain.zones import FIRST, LAST, Moment, Zone


@dataclass(frozen=True, slots=True)
class Override:
    """A VEVENT and the instance it replaces, in the kind of time that the instance's master uses."""

    event: Event
    instance: Moment


@dataclass(frozen=True, slots=True)
class Part:
    """A master, the overrides of its instances, and the instant at which the next part begins."""

    master: Event
    overrides: list[Override]
    ends: int


def newest(events: list[Event]) -> list[Event]:
    """Return those of the highest SEQUENCE (RFC 5546, 2.1.4); where that does not tell them apart, all of them."""
    highest = max((event.sequence for event in events), default=0)
    return [event for event in events if event.sequence == highest]


def newest_of_each(overrides: Iterable[Override]) -> list[Override]:
    """Return, of those that replace the same instance, the newest."""
    same: dict[int, list[Override]] = {}
    for one in overrides:
        same.setdefault(place(one), []).append(one)
    highest = {at: max(one.event.sequence for one in each) for at, each in same.items()}
    return [one for at, each in same.items() for one in each if one.event.sequence == highest[at]]


def place(override: Override) -> int:
    """Tell when the instance was to be."""
    return override.instance.instant


def parts(master: Event, overrides: list[Override], home: Zone, budget: Budget) -> Iterator[Part]:
    """Cut a series where an override changes its rule from then on: there the override's own series begins."""
    if not overrides:
        yield Part(_settled(master, home, budget), [], LAST)
        return
    named = newest_of_each(_named(one, master, home, budget) for one in overrides)
    plain, restarts = list[Override](), list[Override]()
    in_force = master
    for one in sorted(named, key=place):
        if _begins_anew(one, in_force, home, budget):
            restarts.append(one)
            in_force = one.event
        else:
            plain.append(one)
    firsts = [FIRST, *map(place, restarts)]
    for restart, first, last in zip([None, *restarts], firsts, [*firsts[1:], LAST], strict=True):
        budget.spend(len(overrides) + len(master.excluded) + len(master.dates))
        inside = [one for one in plain if first <= place(one) < last]
        if restart is None:
            yield Part(_settled(master, home, budget), inside, last)
        else:
            part = _settled(_continued(restart, master), home, budget)
            yield Part(part, [_named(one, part, home, budget) for one in inside], last)


def _named(override: Override, master: Event, home: Zone, budget: Budget) -> Override:
    named = override.event.replaces
    return override if named is None else replace(override, instance=meant(named, master, home, budget))


def _begins_anew(override: Override, in_force: Event, home: Zone, budget: Budget) -> bool:
    """Whether an override brings another rule than that of the part it falls into.

    One that repeats the rule moves the part's instances, and ends with them: its COUNT is the part's, not another one.
    RANGE says by how much later instances move (RFC 5545, 3.8.4.4) and gives no new set of them; Apple's
    CalendarServer, ical.js and recurring-ical-events read all THISANDFUTURE so, whatever their rules. Only if it names
    no instance of a part that began with an override, the time between the two is unknown, and its own rule is taken.
    """
    event = override.event
    if not event.onwards or not event.rules:
        return False
    if event.rules != in_force.rules:
        return True
    if in_force.replaces is None:
        return False
    return not is_instance(_named(override, in_force, home, budget).instance, in_force, home, budget)


def _continued(override: Override, master: Event) -> Event:
    """The series that an override begins, with what its master says of single instances."""
    event, later = override.event, tuple(date for date in master.dates if date[0].instant >= place(override))
    return replace(event, excluded=event.excluded + master.excluded, dates=event.dates + later)


def _settled(master: Event, home: Zone, budget: Budget) -> Event:
    """The series with its exceptions as they are meant; a date excludes all instances of its day."""
    if master.start.is_date or not master.excluded:
        return master
    budget.spend(len(master.excluded))
    excluded = tuple(one if one.is_date else meant(one, master, home, budget) for one in master.excluded)
    return replace(master, excluded=excluded)
