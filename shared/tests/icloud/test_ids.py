from icloud import calendar_id, event_id, paths, uid_hash

CONNECTION = "0" * 32


def test_ids_stay_what_they_are() -> None:
    # Stored in every database and on every topic: a change of these values is a migration.
    assert calendar_id(CONNECTION, "/20451177/calendars/home/") == "55da863f20a20d19ce4b2358"
    assert event_id(CONNECTION, "/20451177/calendars/home/A1.ics") == "3a10b589fb1e7fbf0cfcfe6a"
    assert uid_hash(CONNECTION, "A1") == "d22f0ccc1074a70f3faee1a5"


def test_the_same_path_in_two_connections_is_two_calendars() -> None:
    assert calendar_id("a" * 32, "/1/home/") != calendar_id("b" * 32, "/1/home/")


def test_a_slash_in_a_name_is_no_slash_in_a_path() -> None:
    hrefs = ("/1/home/a%2Fb.ics", "/1/home/a/b.ics", "/1/home/a%252Fb.ics")

    assert len({event_id(CONNECTION, paths.decoded(href)) for href in hrefs}) == 3
    assert event_id(CONNECTION, paths.decoded("/1/home/a%2fb%2Eics")) == event_id(CONNECTION, paths.decoded(hrefs[0]))


def test_the_same_uid_in_two_calendars_is_two_events_with_one_uid_hash() -> None:
    assert event_id(CONNECTION, "/1/home/A1.ics") != event_id(CONNECTION, "/1/work/A1.ics")
    assert uid_hash(CONNECTION, "A1") == uid_hash(CONNECTION, "A1")
