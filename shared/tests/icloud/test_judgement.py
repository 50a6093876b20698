from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icloud import (
    CalendarGone,
    CalendarNotEnabled,
    CredentialsRejected,
    Forbidden,
    ICloudError,
    NotUnderstood,
    PreconditionFailed,
    TokenDead,
    TryLater,
)
from icloud.judgement import (
    DoubtfulCalendar,
    DoubtfulToken,
    Host,
    Misdirected,
    Refusal,
    Step,
    judged,
    retry_after,
)
from icloud.wire.answers import TooManyMatches

NO_TOKEN = frozenset({"valid-sync-token"})
TOO_MANY = frozenset({"number-of-matches-within-limits"})
UID = frozenset({"no-uid-conflict"})
OTHER_UID = frozenset({"unique-scheduling-object-resource"})
BAD_DATA = frozenset({"valid-calendar-data"})
QUOTA = frozenset({"quota-not-exceeded"})
PRIVILEGES = frozenset({"need-privileges"})
NONE: frozenset[str] = frozenset()

TABLE: list[tuple[Step, int, frozenset[str], type[ICloudError], str]] = [
    (Step.PRINCIPAL, 400, NONE, NotUnderstood, "status_400"),
    (Step.PRINCIPAL, 403, NONE, Forbidden, "forbidden"),
    (Step.PRINCIPAL, 404, NONE, NotUnderstood, "no_principal"),
    (Step.PRINCIPAL, 405, NONE, NotUnderstood, "status_405"),
    (Step.PRINCIPAL, 200, NONE, NotUnderstood, "status_200"),
    (Step.PRINCIPAL, 302, NONE, NotUnderstood, "status_302"),
    (Step.PRINCIPAL, 407, NONE, NotUnderstood, "status_407"),
    (Step.HOME_SET, 404, NONE, NotUnderstood, "no_principal"),
    (Step.CALENDARS, 403, NONE, Forbidden, "forbidden"),
    (Step.CALENDARS, 404, NONE, CalendarNotEnabled, ""),
    (Step.CALENDARS, 410, NONE, CalendarNotEnabled, ""),
    (Step.CALENDARS, 200, NONE, NotUnderstood, "status_200"),
    (Step.EXISTENCE, 404, NONE, CalendarGone, ""),
    (Step.EXISTENCE, 403, NONE, Forbidden, "forbidden"),
    (Step.CHANGES, 403, NO_TOKEN, TokenDead, ""),
    (Step.CHANGES, 409, NO_TOKEN, TokenDead, ""),
    (Step.CHANGES, 400, NONE, DoubtfulToken, ""),
    (Step.CHANGES, 403, NONE, DoubtfulToken, ""),
    (Step.CHANGES, 403, PRIVILEGES, DoubtfulToken, ""),
    (Step.CHANGES, 404, NONE, DoubtfulToken, ""),
    (Step.CHANGES, 409, NONE, DoubtfulToken, ""),
    (Step.CHANGES, 410, NONE, DoubtfulToken, ""),
    (Step.CHANGES, 412, NONE, DoubtfulToken, ""),
    (Step.CHANGES, 507, TOO_MANY, TooManyMatches, "too_many_matches"),
    (Step.CHANGES, 501, NONE, NotUnderstood, "status_501"),
    (Step.LISTING, 403, TOO_MANY, TooManyMatches, "too_many_matches"),
    (Step.LISTING, 507, NONE, TooManyMatches, "too_many_matches"),
    (Step.LISTING, 403, NONE, Forbidden, "forbidden"),
    (Step.LISTING, 404, NONE, CalendarGone, ""),
    (Step.LISTING, 400, NONE, NotUnderstood, "status_400"),
    (Step.OBJECTS, 413, NONE, TooManyMatches, "too_many_matches"),
    (Step.OBJECTS, 404, NONE, CalendarGone, ""),
    (Step.OBJECTS, 403, NONE, Forbidden, "forbidden"),
    (Step.GET, 403, NONE, Forbidden, "forbidden"),
    (Step.GET, 400, NONE, NotUnderstood, "object_refused"),
    (Step.PUT, 400, NONE, NotUnderstood, "object_refused"),
    (Step.PUT, 403, NONE, Forbidden, "forbidden"),
    (Step.PUT, 403, UID, PreconditionFailed, "uid_conflict"),
    (Step.PUT, 403, OTHER_UID, PreconditionFailed, "uid_conflict"),
    (Step.PUT, 409, UID, PreconditionFailed, "uid_conflict"),
    (Step.PUT, 412, NONE, PreconditionFailed, "etag"),
    (Step.PUT, 403, BAD_DATA, NotUnderstood, "object_refused"),
    (Step.PUT, 403, QUOTA, Forbidden, "storage_full"),
    (Step.PUT, 507, NONE, Forbidden, "storage_full"),
    (Step.PUT, 413, NONE, NotUnderstood, "object_refused"),
    (Step.PUT, 404, NONE, DoubtfulCalendar, ""),
    (Step.PUT, 409, NONE, DoubtfulCalendar, ""),
    (Step.DELETE, 403, NONE, Forbidden, "forbidden"),
    (Step.DELETE, 412, NONE, PreconditionFailed, "etag"),
]


@pytest.mark.parametrize(("step", "status", "conditions", "kind", "reason"), TABLE)
def test_each_refusal_says_what_to_do(
    step: Step, status: int, conditions: frozenset[str], kind: type[ICloudError], reason: str
) -> None:
    error = judged(step, Host.HOME, Refusal(status, conditions))

    assert type(error) is kind
    assert not reason or getattr(error, "reason", None) == reason


@pytest.mark.parametrize("step", Step)
def test_a_401_is_about_the_credentials_at_the_entry_and_the_home_alone(step: Step) -> None:
    assert type(judged(step, Host.ENTRY, Refusal(401))) is CredentialsRejected
    assert type(judged(step, Host.HOME, Refusal(401))) is CredentialsRejected
    assert type(judged(step, Host.OTHER, Refusal(401))) is TryLater


@pytest.mark.parametrize("host", Host)
@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_down_and_throttled_is_later_wherever_it_happens(step: Step, host: Host, status: int) -> None:
    error = judged(step, host, Refusal(status, retry_after=timedelta(minutes=3)))

    assert type(error) is TryLater
    assert (error.after, error.reason) == (timedelta(minutes=3), f"status_{status}")


@pytest.mark.parametrize("step", Step)
def test_a_misdirected_request_belongs_to_another_host(step: Step) -> None:
    assert type(judged(step, Host.HOME, Refusal(421))) is Misdirected


def test_a_conflict_that_names_another_object_is_about_its_uid() -> None:
    error = judged(Step.PUT, Host.HOME, Refusal(403, names_another=True))

    assert isinstance(error, PreconditionFailed)
    assert error.reason == "uid_conflict"


@given(
    st.sampled_from(Step), st.sampled_from(Host), st.integers(100, 999), st.frozensets(st.text(max_size=20), max_size=3)
)
def test_every_refusal_is_judged_and_only_a_401_blames_the_credentials(
    step: Step, host: Host, status: int, conditions: frozenset[str]
) -> None:
    error = judged(step, host, Refusal(status, conditions))

    assert isinstance(error, CredentialsRejected) == (status == 401 and host is not Host.OTHER)


DATE = "Sun, 22 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("1", 60),
        ("0", 60),
        ("60", 60),
        ("90", 90),
        (" 900 ", 900),
        ("7200", 7200),
        ("7201", 7200),
        ("99999999999999999999999", 7200),
        ("Sun, 22 Nov 2026 10:05:00 GMT", 300),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 60),
        ("Wed, 22 Nov 2028 10:00:00 GMT", 7200),
    ],
)
def test_retry_after_is_read_in_both_forms_and_clamped(asked: str, wait: int) -> None:
    assert retry_after({"Retry-After": asked, "Date": DATE}) == timedelta(seconds=wait)


@pytest.mark.parametrize("asked", ["", "-5", "soon", "1.5", "٣", "Sun, 99 Nov 2026 10:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_none(asked: str) -> None:
    assert retry_after({"Retry-After": asked, "Date": DATE}) is None


def test_a_date_without_anything_to_measure_it_against_is_none() -> None:
    assert retry_after({"Retry-After": DATE}) is None
    assert retry_after({"Retry-After": DATE, "Date": "Sun, 22 Nov 2026 10:00:00"}) is None
    assert retry_after({}) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_it(asked: str, date: str) -> None:
    wait = retry_after({"Retry-After": asked, "Date": date})

    assert wait is None or timedelta(seconds=60) <= wait <= timedelta(hours=2)
