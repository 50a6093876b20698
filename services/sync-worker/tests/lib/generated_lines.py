"""The lines of which generated series are made."""

import random
from datetime import datetime, timedelta
from typing import Final

from generated_rules import STEADY, ZONES, zone_of

NAMED_IN: Final = ("", "", "utc", "Asia/Tokyo", "America/New_York", "Europe/London", "date")


class Lines:
    """Lines in the kind of time that a series uses, for somebody at `home`.

    `said_plainly` are those that some read otherwise, each as everybody understands it.
    """

    def __init__(self, chance: random.Random, home: str, kind: str) -> None:
        self._chance, self.home, self._kind = chance, home, kind
        self.said_plainly: dict[str, str] = {}

    def time(self, name: str, *moments: datetime, parameters: str = "", kind: str = "") -> str:
        kind = kind or self._kind
        if kind == "date":
            return f"{name}{parameters};VALUE=DATE:" + ",".join(f"{moment:%Y%m%d}" for moment in moments)
        zone = "" if kind in {"floating", "utc"} else f";TZID={kind}"
        z = "Z" if kind == "utc" else ""
        return f"{name}{parameters}{zone}:" + ",".join(f"{moment:%Y%m%dT%H%M%S}{z}" for moment in moments)

    def moved_to(self, kind: str, moment: datetime) -> datetime:
        """The same instant on another wall."""
        return moment.replace(tzinfo=zone_of(self._kind)).astimezone(zone_of(kind))

    def end(self, start: datetime) -> str | None:
        chance, shape = self._chance, self._chance.random()
        if self._kind == "date":
            days = chance.choice([1, 1, 1, 2, 5, 14])
            if shape < 0.1:
                return None
            return f"DURATION:P{days}D" if shape < 0.2 else self.time("DTEND", start + timedelta(days=days))
        minutes = chance.choice([15, 30, 60, 60, 90, 480, 1500, 6000])
        if shape < 0.05:
            return None
        if shape < 0.15:
            return f"DURATION:{chance.choice(self.durations(minutes))}"
        return self.time("DTEND", start + timedelta(minutes=minutes))

    def durations(self, minutes: int) -> list[str]:
        """The oracle counts hours on the wall clock: only where that makes no difference."""
        steady = (self.home if self._kind == "floating" else self._kind) in STEADY
        return ["P1D", "P1W", *([f"PT{minutes}M", "P1DT2H"] if steady else [])]

    def naming(self, name: str, moment: datetime, start: datetime, *, onwards: bool = False, several: bool) -> str:
        """A line that names an instance: as the series would, in another zone, or by its day."""
        parameters = ";RANGE=THISANDFUTURE" if onwards else ""
        plain = self.time(name, moment, parameters=parameters)
        kind = self._chance.choice(NAMED_IN) if self._kind in ZONES else ""
        if not kind or (kind == "date" and (moment.time() != start.time() or (several and name == "EXDATE"))):
            return plain
        there = moment if kind == "date" else self.moved_to(kind, moment).replace(tzinfo=None, fold=0)
        if several and kind != "date" and there.replace(tzinfo=zone_of(kind)) != self.moved_to("utc", moment):
            return plain
        line = self.time(name, there, parameters=parameters, kind=kind)
        # The oracle takes dates for midnights, times on other walls for such of the series, and of two the first.
        self.said_plainly[line] = plain
        return line

    def facts(self) -> list[str]:
        chance = self._chance
        lines = [f"TRANSP:{chance.choice(['OPAQUE', 'TRANSPARENT'])}"] if chance.random() < 0.3 else []
        if chance.random() < 0.15:
            lines.append(f"STATUS:{chance.choice(['CANCELLED', 'TENTATIVE', 'CONFIRMED'])}")
        if chance.random() < 0.15:
            lines.append(f"X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT{chance.choice([15, 90])}M")
        if chance.random() < 0.2:
            answers = chance.choices(["ACCEPTED", "DECLINED"], k=3)
            users = ("mailto:Me@example.org", "urn:uuid:MINE", "mailto:you@example.org")
            lines += [f"ATTENDEE;PARTSTAT={answer}:{user}" for answer, user in zip(answers, users, strict=True)]
        return lines
