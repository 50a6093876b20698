import pytest
from shared.tests.icloud.scripted import golden, multistatus, props

from icloud import Absence, CalendarObject, Missing, NotUnderstood, TryLater
from icloud.wire import answers
from icloud.wire.answers import TokenRefused, TooManyMatches

HOME = "/20451177/calendars/"
CALENDAR = f"{HOME}home/"


def test_the_principal_is_the_href_the_server_wrote() -> None:
    assert answers.principal(golden("principal.xml"), base="/") == "/20451177/principal/"


def test_an_unauthenticated_answer_names_no_principal() -> None:
    body = multistatus("<href>/</href>" + props("<current-user-principal><unauthenticated/></current-user-principal>"))

    assert answers.principal(body, base="/") is None


def test_the_home_is_read_whatever_resource_the_answer_speaks_of() -> None:
    home, addresses = answers.home_set(golden("home_set.xml"), base="/20451177/principal/")

    assert home == "https://p42-caldav.icloud.com:443/20451177/calendars/"
    assert addresses == ("jane.doe@icloud.com", "jane@example.com", "/20451177/principal/", "urn:uuid:20451177")


def test_a_user_is_known_by_everything_that_the_server_calls_them() -> None:
    hrefs = (
        "MAILTO: Jane@Example.com ",
        "URN:UUID:6F1C3E1A-5A0B",
        " https://P42.icloud.com/aBc/principal/ ",
        "/aBc/principal/",
        "jane@example.com",
        "  ",
    )
    named = "".join(f"<href>{href}</href>" for href in hrefs)
    addresses_of = (
        f'<C:calendar-user-address-set xmlns:C="urn:ietf:params:xml:ns:caldav">{named}</C:calendar-user-address-set>'
    )
    body = multistatus("<href>/1/</href>" + props(addresses_of))

    _, addresses = answers.home_set(body, base="/1/")

    assert addresses == (
        "jane@example.com",
        "urn:uuid:6f1c3e1a-5a0b",
        "https://P42.icloud.com/aBc/principal/",
        "/aBc/principal/",
    )


def test_a_principal_without_home_says_so() -> None:
    body = multistatus(
        "<href>/1/</href>" + props('<C:calendar-home-set xmlns:C="urn:ietf:params:xml:ns:caldav"/>', 404)
    )

    assert answers.home_set(body, base="/1/") == (None, ())


def test_changes_are_told_once_without_the_collection_itself() -> None:
    page = answers.changes(golden("changes.xml"), path=CALENDAR, base=CALENDAR)

    assert page.changed == {
        f"{CALENDAR}A1.ics": '"mdp8vzll"',
        f"{CALENDAR}jane@example.com.ics": '"mdp8w001"',
        f"{CALENDAR}C3.ics": "",
    }
    assert page.removed == {f"{CALENDAR}B2.ics"}
    assert (page.token, page.cut) == ("HwoQEgwAAAnew==", False)


def test_a_page_that_the_server_cut_says_so() -> None:
    body = multistatus(
        f"<href>{CALENDAR}A1.ics</href>" + props("<getetag>a</getetag>"),
        f"<href>{CALENDAR}</href><status>HTTP/1.1 507 X</status><error><number-of-matches-within-limits/></error>",
        tail="<sync-token>half</sync-token>",
    )

    page = answers.changes(body, path=CALENDAR, base=CALENDAR)

    assert (page.cut, page.token, set(page.changed)) == (True, "half", {f"{CALENDAR}A1.ics"})


def test_the_last_word_about_an_href_counts() -> None:
    gone, there = (
        f"<href>{CALENDAR}A.ics</href><status>HTTP/1.1 404 X</status>",
        f"<href>{CALENDAR}A.ics</href>" + props("<getetag>a</getetag>"),
    )
    token = "<sync-token>t</sync-token>"

    assert answers.changes(multistatus(gone, there, tail=token), path=CALENDAR, base="/").changed == {
        f"{CALENDAR}A.ics": "a"
    }
    assert answers.changes(multistatus(there, gone, tail=token), path=CALENDAR, base="/").removed == {
        f"{CALENDAR}A.ics"
    }


def test_changes_without_a_token_are_no_changes() -> None:
    with pytest.raises(NotUnderstood, match="no_sync_token"):
        answers.changes(multistatus(), path=CALENDAR, base="/")


@pytest.mark.parametrize(
    "refusal",
    [
        "<status>HTTP/1.1 403 X</status>",
        "<status>HTTP/1.1 412 X</status>",
        "<status>HTTP/1.1 200 X</status><error><valid-sync-token/></error>",
    ],
)
def test_a_token_refused_inside_of_a_multistatus_is_refused(refusal: str) -> None:
    with pytest.raises(TokenRefused):
        answers.changes(
            multistatus(f"<href>{CALENDAR}</href>{refusal}", tail="<sync-token>t</sync-token>"), path=CALENDAR, base="/"
        )


def test_an_answer_about_another_calendar_is_not_understood() -> None:
    body = multistatus(
        f"<href>{HOME}work/A.ics</href>" + props("<getetag>a</getetag>"), tail="<sync-token>t</sync-token>"
    )

    for read in (answers.changes, answers.listing):
        with pytest.raises(NotUnderstood, match="wrong_calendar"):
            read(body, path=CALENDAR, base=CALENDAR)


def test_a_listing_is_etags_by_href() -> None:
    assert answers.listing(golden("listing.xml"), path=CALENDAR, base=CALENDAR) == {
        f"{CALENDAR}A1.ics": '"mdp8vzll"',
        f"{CALENDAR}D4.ics": '"mdp8w0zz"',
    }


def test_a_listing_that_the_server_cut_is_too_much_at_once() -> None:
    body = multistatus(f"<href>{CALENDAR}</href><status>HTTP/1.1 507 Insufficient Storage</status>")

    with pytest.raises(TooManyMatches):
        answers.listing(body, path=CALENDAR, base="/")


def test_a_listing_of_a_calendar_in_trouble_is_not_an_empty_one() -> None:
    with pytest.raises(TryLater):
        answers.listing(multistatus(f"<href>{CALENDAR}</href><status>HTTP/1.1 500 X</status>"), path=CALENDAR, base="/")


@pytest.mark.parametrize("etag", ["a\nb", "é", "x" * 600, "\x7f"])
def test_an_etag_that_cannot_be_sent_back_is_none(etag: str) -> None:
    body = multistatus(f"<href>{CALENDAR}A.ics</href>" + props(f"<getetag>{etag}</getetag>"))

    assert answers.listing(body, path=CALENDAR, base="/") == {f"{CALENDAR}A.ics": ""}


def asked(*names: str) -> frozenset[str]:
    return frozenset(f"{CALENDAR}{name}.ics" for name in names)


def test_objects_come_with_their_text_as_it_is_stored() -> None:
    found = answers.objects(golden("objects.xml"), asked=asked("A1", "jane@example.com"), most=10_000, base=CALENDAR)

    one, other = found[f"{CALENDAR}A1.ics"], found[f"{CALENDAR}jane@example.com.ics"]
    assert isinstance(one, CalendarObject)
    assert (one.etag, one.text.splitlines()[5]) == ('"mdp8vzll"', "SUMMARY:Café <!DOCTYPE> & co")
    assert one.text.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert isinstance(other, CalendarObject)
    assert "DESCRIPTION:<!DOCTYPE html><html>" in other.text


def test_objects_that_did_not_come_say_why() -> None:
    found = answers.objects(golden("objects.xml"), asked=asked("A1", "B2", "E5", "F6", "G7"), most=100, base=CALENDAR)

    assert {
        href.removeprefix(CALENDAR): missing.why for href, missing in found.items() if isinstance(missing, Missing)
    } == {
        "A1.ics": Absence.TOO_LARGE,
        "B2.ics": Absence.GONE,
        "E5.ics": Absence.REFUSED,
        "F6.ics": Absence.UNANSWERED,
    }


def test_objects_that_nobody_asked_for_are_left_out() -> None:
    assert answers.objects(golden("objects.xml"), asked=asked("Z9"), most=10_000, base=CALENDAR) == {}
