from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from connector.domain.timezones import is_time_zone
from connector.inbound.pages import zones
from connector.inbound.pages.catalogue import read_catalogues
from connector.inbound.pages.moments import Moments
from connector_examples import NOW

PARIS, NOUMEA = ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Noumea")


def moments(language: str, zone: ZoneInfo = PARIS, now: datetime = NOW) -> Moments:
    return Moments(read_catalogues()[language], zone, now)


@pytest.mark.parametrize(
    ("age", "french", "english"),
    [
        (timedelta(seconds=-5), "à l\u2019instant", "just now"),
        (timedelta(seconds=59), "à l\u2019instant", "just now"),
        (timedelta(minutes=1), "il y a 1 minute", "1 minute ago"),
        (timedelta(minutes=59), "il y a 59 minutes", "59 minutes ago"),
        (timedelta(hours=1), "il y a 1 heure", "1 hour ago"),
        (timedelta(hours=23), "il y a 23 heures", "23 hours ago"),
        (timedelta(hours=24), "dimanche 22 novembre 2026 à 09:30", "Sunday 22 November 2026 at 09:30"),
    ],
)
def test_what_is_recent_is_told_by_its_age(age: timedelta, french: str, english: str) -> None:
    said = [moments(language).ago(NOW - age).striptags() for language in ("fr", "en")]

    assert said == [french, english]


def test_moments_are_told_in_the_zone_of_their_reader() -> None:
    said = [moments("en", zone).exactly(NOW).striptags() for zone in (PARIS, NOUMEA)]

    assert said == ["Monday 23 November 2026 at 09:30", "Monday 23 November 2026 at 19:30"]


def test_the_first_of_a_month_is_premier_in_french() -> None:
    first = datetime(2026, 12, 1, 12, tzinfo=PARIS)

    assert moments("fr").day(first) == "mardi 1er décembre 2026"
    assert moments("en").day(first) == "Tuesday 1 December 2026"
    assert (moments("fr").short_day(first), moments("en").short_day(first)) == ("mar. 1er", "Tue 1")


def test_until_when_names_the_day_only_if_it_is_another() -> None:
    today, tomorrow = (moments("en").until(NOW + timedelta(hours=hours)).striptags() for hours in (1, 24))

    assert (today, tomorrow) == ("10:30", "Tuesday 24 November 2026 at 09:30")


def test_machines_can_read_them_too() -> None:
    assert moments("en").ago(NOW) == Markup('<time datetime="2026-11-23T08:30:00+00:00">just now</time>')


@pytest.mark.parametrize(
    ("accept_language", "zone"),
    [
        ("fr-FR,fr;q=0.9", "Europe/Paris"),
        ("fr", "Europe/Paris"),
        ("fr-BE", "Europe/Brussels"),
        ("en-GB,en;q=0.9", "Europe/London"),
        ("en-US", None),
        ("en", None),
        ("", None),
        ("*", None),
        ("fr-", "Europe/Paris"),
    ],
)
def test_a_zone_is_guessed_only_where_the_country_has_one(accept_language: str, zone: str | None) -> None:
    assert zones.guessed(accept_language) == zone


@pytest.mark.parametrize(
    ("listed", "typed", "zone"),
    [
        ("Europe/Paris", "New York", "Europe/Paris"),
        ("Asia/Calcutta", "", "Asia/Calcutta"),
        ("other", "America/Toronto", "America/Toronto"),
        ("other", " new york ", "America/New_York"),
        ("other", "Montréal", "America/Montreal"),
        ("other", "buenos-aires", "America/Argentina/Buenos_Aires"),
        ("other", "Argentina, Buenos Aires", "America/Argentina/Buenos_Aires"),
        ("other", "Bruxelles", "Europe/Brussels"),
        ("other", "athenes", "Europe/Athens"),
        ("other", "La Réunion", "Indian/Reunion"),
        ("other", "Réunion", "Indian/Reunion"),
        ("other", "Nouméa", "Pacific/Noumea"),
        ("other", "Saint-Pierre-et-Miquelon", "America/Miquelon"),
        ("other", "US/Pacific", "US/Pacific"),
        ("other", "Pacific", "Pacific"),
        ("other", "Etc/GMT+5", "Etc/GMT+5"),
        ("other", "gmt+5", "gmt+5"),
        ("other", "Nowhere", "Nowhere"),
        ("other", "", "other"),
        ("", "Paris", ""),
        ("other", "localtime", "localtime"),
        ("x" * 500, "", "x" * 64),
    ],
)
def test_a_zone_that_is_not_in_the_list_is_found_by_its_name_or_a_city(listed: str, typed: str, zone: str) -> None:
    assert zones.meant(listed, typed) == zone


@pytest.mark.parametrize(
    ("chosen", "listed", "typed"),
    [
        (None, "", ""),
        ("Europe/Paris", "Europe/Paris", ""),
        ("Asia/Calcutta", "Asia/Calcutta", ""),
        ("Nowhere", "other", "Nowhere"),
        ("Factory", "other", "Factory"),
        ("other", "other", ""),
    ],
)
def test_the_form_shows_the_zone_where_it_can_be_changed(chosen: str | None, listed: str, typed: str) -> None:
    field = zones.zone_field(chosen, read_catalogues()["en"])

    assert (field.chosen, field.typed) == (listed, typed)
    assert listed in {zone.name for zone in field.zones} | {"", "other"}


def test_every_zone_of_the_short_list_exists_and_is_told_by_its_place() -> None:
    listed = zones.zone_field("America/Argentina/Buenos_Aires", read_catalogues()["en"]).zones

    assert listed[0].place == "Argentina, Buenos Aires"
    assert [zone.name for zone in listed if not is_time_zone(zone.name)] == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_whatever_the_list_shows_may_be_typed(language: str) -> None:
    listed = zones.zone_field("America/Montreal", read_catalogues()[language]).zones

    assert {zone.place: zones.meant("other", zone.place) for zone in listed} == {z.place: z.name for z in listed}


def test_places_are_called_as_they_are_in_each_language() -> None:
    names = ("Europe/London", "Indian/Reunion", "Pacific/Noumea", "America/Montreal", "Europe/Paris", "Asia/Tokyo")
    french, english = ([zones.place(name, read_catalogues()[one]) for name in names] for one in ("fr", "en"))

    assert french == ["Londres", "La Réunion", "Nouméa", "Montréal", "Paris", "Tokyo"]
    assert english == ["London", "Réunion", "Nouméa", "Montréal", "Paris", "Tokyo"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_wrong_zone_is_answered_with_an_example_of_the_list(language: str) -> None:
    words = read_catalogues()[language]

    said = words("form.unknown_time_zone")
    assert f" {zones.place('Europe/Paris', words)}," in said
    assert f"“{words('form.time_zone_other')}”" in said or f"«\u00a0{words('form.time_zone_other')}\u00a0»" in said


def test_the_script_is_told_of_everything_that_may_be_typed() -> None:
    known = set(zones.known().split("\n"))

    assert known >= {"europeparis", "paris", "bruxelles", "brussels", "lareunion", "noumea", "etcgmt5", "buenosaires"}
    assert known.isdisjoint({"", "other", "nowhere", "localtime", "factory"})
