import pytest

from connector.domain.timezones import is_time_zone


@pytest.mark.parametrize("name", ["Europe/Paris", "Asia/Calcutta", "UTC", "EST5EDT"])
def test_names_of_the_iana_database_are_zones_the_older_ones_too(name: str) -> None:
    assert is_time_zone(name)


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "Paris", "europe/paris", ""])
def test_what_means_another_zone_on_each_machine_or_none_is_no_zone(name: str) -> None:
    assert not is_time_zone(name)
