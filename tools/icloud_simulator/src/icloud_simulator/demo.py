"""An account to try out: the calendars of somebody with a job, a family and a train to catch."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icloud_simulator import calendars, objects
from icloud_simulator.accounts import NewAccount, open_account
from icloud_simulator.apple_ics import AppleEvent, Override, apple_text
from icloud_simulator.calendars import NewCalendar
from icloud_simulator.facts import Access, Kind
from icloud_simulator.world import World

APPLE_ID = "marie.dubois@icloud.com"
APP_PASSWORD = "abcd-efgh-ijkl-mnop"  # noqa: S105 - opens a simulated account only
MAIN_PASSWORD = "Marie-2026!"  # noqa: S105 - opens nothing
DSID = "20451177"
PRIVATE = "7C0B5E0C-0F6D-4B4E-9C57-2A8B1D3F40E1"
SHARED = "5f" * 32
HOLIDAYS = "9F1D6C3A-52C1-4E0B-8B6A-33D0C1E7A9B2"
_PARIS = ZoneInfo("Europe/Paris")
_NAMESPACE = uuid.UUID("6f1c1f4e-6b1f-4d0b-9a36-2f4f3f1f7a10")


@dataclass(frozen=True, slots=True)
class Weeks:
    """Days counted from the Monday of this week, on the clock of Paris."""

    monday: date

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        """Return a time on a day; hours past 24 are on the next one."""
        return datetime.combine(self.day(day + hour // 24), time(hour % 24, minute), _PARIS)

    def day(self, day: int) -> date:
        """Return a day."""
        return self.monday + timedelta(days=day)

    def event(self, title: str, day: int, hours: tuple[float, float], rule: str | None = None) -> AppleEvent:
        """Return an event from one hour of a day to another; half hours are .5."""
        first, last = (divmod(int(hour * 60), 60) for hour in hours)
        return AppleEvent(uid=_uid(title), title=title, start=self.at(day, *first), end=self.at(day, *last), rule=rule)

    def all_day(self, title: str, days: tuple[int, int], rule: str | None = None) -> AppleEvent:
        """Return an all-day event, free as Apple's apps make them."""
        first, last = map(self.day, days)
        return AppleEvent(uid=_uid(title), title=title, start=first, end=last, rule=rule, transparent=True)


def seed_demo(world: World) -> None:
    """Make the demo account, its calendars and its events around now; once only."""
    if world.state.login(APPLE_ID) is not None:
        return
    wish = NewAccount(
        apple_id=APPLE_ID,
        main_password=MAIN_PASSWORD,
        app_password=APP_PASSWORD,
        name="Marie Dubois",
        aliases=("marie.dubois@me.com",),
        dsid=DSID,
        partition=42,
    )
    open_account(world, wish)
    for calendar in _more_calendars():
        calendars.add_calendar(world, APPLE_ID, calendar)
    now = world.clock.moment()
    today = now.astimezone(_PARIS).date()
    weeks = Weeks(today - timedelta(days=today.weekday()))
    for path_id, events in _life(weeks).items():
        texts = [(f"{event.uid}.ics", apple_text(event, now)) for event in events]
        objects.write(world, world.mount(APPLE_ID, path_id), texts)


def _more_calendars() -> Iterator[NewCalendar]:
    yield NewCalendar("Privé", path_id=PRIVATE, color="#1E4C63FF")
    yield NewCalendar("Équipe de Paul", path_id=SHARED, access=Access.READ_ONLY, color="#FF9500FF")
    source = "webcal://calendars.example/fr/jours-feries.ics"
    yield NewCalendar("Jours fériés", kind=Kind.SUBSCRIBED, path_id=HOLIDAYS, color=None, source=source)


def _life(weeks: Weeks) -> dict[str, list[AppleEvent]]:
    return {
        "home": list(_at_home(weeks)),
        "work": list(_at_work(weeks)),
        PRIVATE: list(_privately(weeks)),
        SHARED: list(_of_paul(weeks)),
    }


def _at_home(weeks: Weeks) -> Iterator[AppleEvent]:
    yield weeks.event("Courses", 5, (10, 11.5), "FREQ=WEEKLY")
    dentist = weeks.event("Dentiste", 8, (9, 9.75))
    yield replace(dentist, location="12 rue de Rivoli, 75004 Paris", travel=timedelta(minutes=30))
    yield weeks.all_day("Anniversaire de Léa", (10, 11), "FREQ=YEARLY")
    yield weeks.all_day("Vacances à Lyon", (26, 31))
    yield replace(weeks.all_day("Déménagement", (19, 20)), transparent=False)
    choir = weeks.event("Chorale", 2, (19.5, 21.5), "FREQ=WEEKLY;BYDAY=WE")
    yield replace(choir, left_out=(weeks.at(16, 19, 30),))


def _at_work(weeks: Weeks) -> Iterator[AppleEvent]:
    standup = weeks.event("Point quotidien", -28, (9, 9.25), "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR")
    moved = Override(weeks.at(8, 9), weeks.at(8, 11), weeks.at(8, 11, 15), "Point quotidien (décalé)")
    cancelled = Override(weeks.at(9, 9), weeks.at(9, 9), weeks.at(9, 9, 15), cancelled=True)
    yield replace(standup, left_out=(weeks.at(7, 9),), overrides=(moved, cancelled))
    yield weeks.event("Réunion d'équipe", -14, (10, 11.5), "FREQ=WEEKLY;BYDAY=MO;COUNT=52")
    last_of_month = weeks.day(8).month != weeks.day(1).month
    nth = -1 if last_of_month else (weeks.day(1).day - 1) // 7 + 1
    yield weeks.event("Bilan du mois", 1, (14, 15.5), f"FREQ=MONTHLY;BYDAY={nth}TU")
    yield weeks.event("Démo client", 3, (15, 16))
    yield replace(weeks.event("Créneau libre pour lire", 4, (16, 17)), transparent=True)
    yield replace(weeks.event("Atelier annulé", 9, (14, 17)), status="CANCELLED")
    yield replace(weeks.event("Déjeuner à confirmer", 10, (12.5, 14)), status="TENTATIVE")
    yield _invited(weeks.event("Séminaire décliné", 11, (9, 18)), "DECLINED")
    yield _invited(weeks.event("Comité de pilotage", 15, (10, 12)), "ACCEPTED")
    yield weeks.event("Train de nuit", 17, (22, 30.5))


def _privately(weeks: Weeks) -> Iterator[AppleEvent]:
    yield weeks.event("Kiné", 1, (8, 8.75), "FREQ=WEEKLY;INTERVAL=2")
    call = weeks.event("Appel avec New York", 8, (18, 19))
    far = ZoneInfo("America/New_York")
    yield replace(call, start=weeks.at(8, 18).astimezone(far), end=weeks.at(8, 19).astimezone(far))
    yield replace(weeks.event("Rendez-vous banque", 14, (11, 12)), travel=timedelta(minutes=15))


def _of_paul(weeks: Weeks) -> Iterator[AppleEvent]:
    yield weeks.event("Garde de Paul", 12, (8, 20), "FREQ=WEEKLY;INTERVAL=4")
    yield weeks.all_day("Paul en congé", (21, 26))


def _invited(event: AppleEvent, partstat: str) -> AppleEvent:
    return replace(event, organizer="paul.martin@example.com", me=APPLE_ID, partstat=partstat)


def _uid(title: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, title)).upper()
