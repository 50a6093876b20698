"""Dates and times as people read them, in their language and zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from connector.inbound.pages.catalogue import Words

_JUST_NOW: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moments:
    """Writes moments as seen from `now` in `zone`."""

    words: Words
    zone: ZoneInfo
    now: datetime

    def day(self, moment: datetime) -> Markup:
        """Like `Monday 23 November 2026`."""
        local = moment.astimezone(self.zone)
        return self.words(
            "date.day",
            weekday=self.words(f"date.weekdays.{local.isoweekday()}"),
            day=self._day_number(local),
            month=self.words(f"date.months.{local.month}"),
            year=local.year,
        )

    def short_day(self, day: date) -> Markup:
        """Like `Mon 23`."""
        weekday = self.words(f"date.short_weekdays.{day.isoweekday()}")
        return self.words("date.short_day", weekday=weekday, day=self._day_number(day))

    def day_and_month(self, day: date) -> Markup:
        """Like `23 November`."""
        month = self.words(f"date.months.{day.month}")
        return self.words("date.day_and_month", day=self._day_number(day), month=month)

    def is_this_year(self, day: date) -> bool:
        """Whether its year goes without saying."""
        return day.year == self.now.astimezone(self.zone).year

    def clock(self, moment: datetime) -> str:
        """Like `09:30`."""
        return f"{moment.astimezone(self.zone):%H:%M}"

    def exactly(self, moment: datetime) -> Markup:
        """Day and time, as an element that machines can read, too."""
        said = self.words("date.at", day=self.day(moment), time=self.clock(moment))
        return _element(moment, said)

    def ago(self, moment: datetime) -> Markup:
        """Like `3 minutes ago`; day and time once it is more than a day."""
        age = self.now - moment
        if age >= _DAY:
            return self.exactly(moment)
        if age < _JUST_NOW:
            said = self.words("date.just_now")
        elif age < _HOUR:
            said = self.words.counted("date.minutes_ago", age // _JUST_NOW)
        else:
            said = self.words.counted("date.hours_ago", age // _HOUR)
        return _element(moment, said)

    def until(self, moment: datetime) -> Markup:
        """Like `09:30`, with the day if that is another one."""
        if moment.astimezone(self.zone).date() == self.now.astimezone(self.zone).date():
            return _element(moment, Markup(self.clock(moment)))  # noqa: S704 - digits and a colon
        return self.exactly(moment)

    def _day_number(self, local: date) -> str:
        return "1er" if local.day == 1 and self.words.language == "fr" else str(local.day)


def _element(moment: datetime, said: Markup) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), said)
