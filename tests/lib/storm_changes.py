"""What people do to their calendars in a storm, drawn from a seed: each step is one change at iCloud."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from apple_users import PARIS
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from lives import object_of

CALENDARS: Final = ("home", "work")
_STAMP: Final = "%Y%m%dT%H%M%S"
_FEWEST: Final = 25
"""Objects of one calendar: below, nothing is taken away, so that no deletion looks like an emptied calendar."""
_MOST: Final = 45

EVERYTHING: Final[Mapping[str, int]] = {
    "add": 20,
    "edit": 24,
    "repeat": 14,
    "retime": 14,
    "flip": 10,
    "move": 8,
    "delete": 8,
    "split": 2,
}
"""Kinds of changes, by weight."""
BOOKINGS: Final[Mapping[str, int]] = {"book": 1}
"""Busy hours, none of which another one covers."""
REBOOKINGS: Final[Mapping[str, int]] = {"book": 1, "rebook": 2}
"""The same, and each may move to another hour."""


@dataclass(slots=True)
class _Kept:
    """An object in a calendar: `single` says that its first event is all of it, `splits` where it may be split."""

    calendar: str
    name: str
    single: bool = False
    splits: tuple[datetime, ...] = ()


class Life:
    """One person's two calendars. Nobody else changes them."""

    def __init__(self, apple: SimulatorAdmin, account: SimulatedAccount, random: Random, today: datetime) -> None:
        self._apple = apple
        self._me = account.apple_id
        self._random = random
        self._today = today
        self._kept: list[_Kept] = []
        self._booked = 0
        self._kinds: Final[Mapping[str, Callable[[], None]]] = {
            "add": self._add,
            "edit": self._edit,
            "repeat": self._repeat,
            "retime": self._retime,
            "flip": self._flip,
            "move": self._move,
            "delete": self._delete,
            "split": self._split,
            "book": self._book,
            "rebook": self._rebook,
        }

    def change(self, weights: Mapping[str, int]) -> None:
        """One change of one of these kinds."""
        (kind,) = self._random.choices(list(weights), list(weights.values()))
        self._kinds[kind]()

    def begin(self, count: int) -> None:
        """So many objects in each calendar."""
        for calendar in CALENDARS:
            new = [self._uid() for _ in range(count)]
            texts = {f"{uid}.ics": object_of(uid, self._random, self._today) for uid in new}
            if texts:
                self._apple.put_objects(self._me, calendar, texts)
            self._kept += [_Kept(calendar, name) for name in texts]

    def _add(self) -> None:
        calendar = self._random.choice(CALENDARS)
        if self._size(calendar) >= _MOST:
            self._edit()
            return
        uid = self._uid()
        self._put(_Kept(calendar, f"{uid}.ics"), object_of(uid, self._random, self._today))

    def _edit(self) -> None:
        one = self._random.choice(self._kept)
        self._put(one, object_of(_uid_of(one), self._random, self._today))

    def _repeat(self) -> None:
        """A new or another series with exceptions of every kind."""
        one = self._random.choice(self._kept)
        text, splits = series(_uid_of(one), self._random, self._today)
        self._put(one, text, splits=splits)

    def _retime(self) -> None:
        one = self._random.choice(self._kept)
        start, end = self._hours()
        if one.single:
            self._apple.change_event(self._me, one.calendar, one.name, start=start, end=end)
        else:
            self._put(one, _event(_uid_of(one), start, end), single=True)

    def _flip(self) -> None:
        one = self._random.choice(self._kept)
        free = self._random.random() < 0.5
        self._apple.change_event(self._me, one.calendar, one.name, transparent=free)

    def _move(self) -> None:
        one = self._random.choice(self._kept)
        other = CALENDARS[1 - CALENDARS.index(one.calendar)]
        if self._size(one.calendar) <= _FEWEST or self._size(other) >= _MOST:
            self._add()
            return
        href = self._apple.move_object(self._me, one.calendar, one.name, to=other)
        one.calendar, one.name = other, href.rpartition("/")[2]

    def _delete(self) -> None:
        one = self._random.choice(self._kept)
        if self._size(one.calendar) <= _FEWEST:
            self._add()
            return
        self._apple.delete_object(self._me, one.calendar, one.name)
        self._kept.remove(one)

    def _split(self) -> None:
        series_ = [one for one in self._kept if one.splits]
        if not series_:
            self._repeat()
            return
        one = self._random.choice(series_)
        hrefs = self._apple.split_series(
            self._me, one.calendar, one.name, at=self._random.choice(one.splits), original="future"
        )
        self._kept.remove(one)
        self._kept += [_Kept(one.calendar, href.rpartition("/")[2]) for href in hrefs]

    def _book(self) -> None:
        uid = self._uid()
        self._put(_Kept("home", f"{uid}.ics"), _event(uid, *self._free_hour()))

    def _rebook(self) -> None:
        if not self._kept:
            self._book()
            return
        one = self._random.choice(self._kept)
        self._put(one, _event(_uid_of(one), *self._free_hour()))

    def _put(self, one: _Kept, text: str, *, single: bool = False, splits: tuple[datetime, ...] = ()) -> None:
        self._apple.put_object(self._me, one.calendar, one.name, text)
        one.single, one.splits = single, splits
        if one not in self._kept:
            self._kept.append(one)

    def _size(self, calendar: str) -> int:
        return sum(one.calendar == calendar for one in self._kept)

    def _uid(self) -> str:
        return f"{self._random.getrandbits(128):032X}"

    def _hours(self) -> tuple[datetime, datetime]:
        start = self._today + timedelta(days=self._random.randrange(50), minutes=15 * self._random.randrange(96))
        return start, start + timedelta(minutes=15 * self._random.randrange(1, 12))

    def _free_hour(self) -> tuple[datetime, datetime]:
        """Two hours apart from the one before."""
        self._booked += 1
        start = self._today + timedelta(days=1, hours=2 * self._booked)
        return start, start + timedelta(hours=1)


def series(uid: str, random: Random, today: datetime) -> tuple[str, tuple[datetime, ...]]:
    """A series of which one occurrence is left out, one moved, one cancelled, one free; and where it may be split."""
    step = timedelta(days=random.choice((1, 7)))
    count = random.randrange(6, 12)
    wall = today.replace(tzinfo=None) + timedelta(days=random.randrange(8), minutes=15 * random.randrange(80))
    length = timedelta(minutes=15 * random.randrange(1, 8))
    starts = [wall + n * step for n in range(count)]
    out, moved, cancelled, free = random.sample(starts[1:], 4)
    rule = f"RRULE:FREQ={'DAILY' if step.days == 1 else 'WEEKLY'};COUNT={count}"
    elsewhere = moved + timedelta(minutes=15 * random.randrange(1, 60))
    components = [
        [*_zoned(wall, length), rule, f"EXDATE;TZID=Europe/Paris:{out:{_STAMP}}"],
        [*_zoned(elsewhere, length), _instead_of(moved)],
        [*_zoned(cancelled, length), _instead_of(cancelled), "STATUS:CANCELLED"],
        [*_zoned(free, length), _instead_of(free), "TRANSP:TRANSPARENT"],
    ]
    text = _calendar([[f"UID:{uid}", f"DTSTAMP:{today:{_STAMP}}Z", *lines] for lines in components])
    plain = [start for start in starts[2:-1] if start not in (out, moved, cancelled, free)]
    return text, tuple(start.replace(tzinfo=PARIS) for start in plain)


def _zoned(wall: datetime, length: timedelta) -> list[str]:
    return [
        f"DTSTART;TZID=Europe/Paris:{wall:{_STAMP}}",
        f"DTEND;TZID=Europe/Paris:{wall + length:{_STAMP}}",
    ]


def _instead_of(wall: datetime) -> str:
    return f"RECURRENCE-ID;TZID=Europe/Paris:{wall:{_STAMP}}"


def _event(uid: str, start: datetime, end: datetime) -> str:
    times = [f"DTSTART:{start.astimezone(UTC):{_STAMP}}Z", f"DTEND:{end.astimezone(UTC):{_STAMP}}Z"]
    return _calendar([[f"UID:{uid}", f"DTSTAMP:{start.astimezone(UTC):{_STAMP}}Z", *times, "TRANSP:OPAQUE"]])


def _calendar(events: list[list[str]]) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Apple Inc.//iOS 18.0//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _uid_of(one: _Kept) -> str:
    return one.name.removesuffix(".ics")
