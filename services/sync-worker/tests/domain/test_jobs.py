from dataclasses import replace
from datetime import timedelta

import pytest

from sync_worker.domain.appointments import agreed
from sync_worker.domain.exports import (
    Change,
    ChangeKind,
    Copy,
    Do,
    Job,
    Verdict,
    back_off,
    change_of,
    comes_until,
    judged,
    planned,
)
from sync_worker.domain.found import Found
from sync_worker.domain.values import Span
from worker_appointments import START
from worker_examples import HOUR

HOME, WORK = "/1/calendars/home/", "/1/calendars/work/"
AGREED = agreed(Span(START, START + HOUR), "Coupe")
OTHER = agreed(Span(START, START + HOUR), "Coloration")
COPY = Copy(HOME, f"{HOME}x.ics", '"1"', AGREED.fingerprint, None, revision=1)
NEW = Job(appointment_id="a", revision=1, agreed=AGREED)
SHOWN = replace(NEW, copy=COPY)
MOVED = replace(SHOWN, change=Change(1, ChangeKind.MOVED))
BEFORE, AFTER = START - HOUR, START + 2 * HOUR


@pytest.mark.parametrize(
    ("job", "now", "do"),
    [
        (NEW, BEFORE, Do.WRITE),
        (NEW, AFTER, Do.GIVE_UP),
        (SHOWN, BEFORE, Do.NOTHING),
        (replace(SHOWN, agreed=OTHER, revision=2), BEFORE, Do.WRITE),
        (replace(SHOWN, agreed=OTHER, revision=2), AFTER, Do.WRITE),
        (replace(SHOWN, copy=replace(COPY, etag=None)), BEFORE, Do.WRITE),
        (replace(SHOWN, copy=replace(COPY, alarm_minutes=5)), BEFORE, Do.WRITE),
        (replace(SHOWN, copy=replace(COPY, alarm_minutes=5)), AFTER, Do.NOTHING),
        (replace(NEW, copy=Copy(HOME, f"{HOME}x.ics")), AFTER, Do.LOOK),
        (MOVED, BEFORE, Do.NOTHING),
        (replace(MOVED, copy=replace(COPY, etag=None)), BEFORE, Do.LOOK),
        (replace(MOVED, agreed=OTHER, revision=2), BEFORE, Do.WRITE),
        (replace(SHOWN, revision=2), BEFORE, Do.TELL),
        (replace(SHOWN, revision=2), AFTER, Do.TELL),
        (replace(SHOWN, tries=3), BEFORE, Do.TELL),
        (replace(SHOWN, copy=replace(COPY, revision=2)), BEFORE, Do.NOTHING),
        (replace(MOVED, revision=2), BEFORE, Do.WRITE),
        (replace(MOVED, revision=2), AFTER, Do.WRITE),
        (replace(MOVED, tries=3), BEFORE, Do.TELL),
        (replace(MOVED, copy=None, tries=3), AFTER, Do.TELL),
        (replace(SHOWN, agreed=None, revision=2), AFTER, Do.REMOVE),
        (replace(NEW, agreed=None, revision=2), BEFORE, Do.NOTHING),
    ],
)
def test_what_a_job_calls_for(job: Job, now: int, do: Do) -> None:
    assert planned(job, HOME, None, now)[1] is do


def test_a_copy_in_a_calendar_that_was_linked_before_is_left_there_until_the_new_one_is_written() -> None:
    moving, do = planned(SHOWN, WORK, None, BEFORE)

    assert (moving.copy, moving.left, do) == (None, (COPY,), Do.WRITE)


def test_a_copy_that_was_left_is_taken_up_again_when_its_calendar_is_linked_again() -> None:
    other = replace(COPY, path=WORK, href=f"{WORK}y.ics")

    back, _ = planned(replace(SHOWN, copy=other, left=(COPY,)), HOME, None, BEFORE)

    assert (back.copy, back.left) == (replace(COPY, etag=None, says=None, revision=0), (other,))


def test_a_copy_that_was_left_is_taken_up_again_where_nothing_was_written_to_the_calendar_between() -> None:
    back, do = planned(replace(NEW, left=(COPY,)), HOME, None, BEFORE)

    assert (back.copy, back.left, do) == (replace(COPY, etag=None, says=None, revision=0), (), Do.WRITE)


def seen(says: str, wrote: str, uid: str = "x", span: Span = AGREED.span) -> Found:
    return Found('"2"', uid, span, says, wrote)


WANTED, OLDER, THEIRS = AGREED.fingerprint, OTHER.fingerprint, "theirs"


@pytest.mark.parametrize(
    ("found", "job", "verdict"),
    [
        (None, NEW, Verdict.ABSENT),
        (None, SHOWN, Verdict.CHANGED),
        (None, replace(SHOWN, revision=2), Verdict.ABSENT),
        (seen(WANTED, WANTED), SHOWN, Verdict.AS_WANTED),
        (seen(WANTED, ""), SHOWN, Verdict.AS_WANTED),
        (seen(OLDER, OLDER), SHOWN, Verdict.OURS),
        (seen(THEIRS, OLDER), replace(SHOWN, revision=2), Verdict.OURS),
        (seen(THEIRS, WANTED), SHOWN, Verdict.CHANGED),
        (seen("", ""), SHOWN, Verdict.CHANGED),
        (seen(THEIRS, WANTED), NEW, Verdict.CHANGED),
        (seen(THEIRS, WANTED), replace(SHOWN, revision=2, copy=replace(COPY, says=OLDER)), Verdict.CHANGED),
        (seen(THEIRS, WANTED), replace(SHOWN, revision=2), Verdict.OURS),
        (seen(WANTED, WANTED, uid="y"), SHOWN, Verdict.FOREIGN),
    ],
)
def test_what_is_found_is_judged_by_what_we_wrote(found: Found | None, job: Job, verdict: Verdict) -> None:
    assert judged(found, job) is verdict


def test_what_was_to_be_created_may_come_for_some_minutes_unless_it_has_arrived() -> None:
    doubtful = replace(COPY, etag=None, at=BEFORE)

    assert comes_until(doubtful, BEFORE) == BEFORE + 300
    assert comes_until(doubtful, BEFORE + 299) == BEFORE + 300
    assert comes_until(doubtful, BEFORE + 300) is None
    assert comes_until(replace(doubtful, arrived=True), BEFORE) is None


def test_what_the_user_did_has_a_name() -> None:
    later = Span(START + HOUR, START + 2 * HOUR)

    changes = [change_of(one, SHOWN).kind for one in (None, seen(THEIRS, WANTED), seen(THEIRS, WANTED, span=later))]

    assert changes == [ChangeKind.DELETED, ChangeKind.EDITED, ChangeKind.MOVED]


def test_tries_come_ever_more_seldom_and_never_stop() -> None:
    waits = [back_off("a", tries) for tries in range(1, 60)]

    assert timedelta(seconds=48) <= waits[0] <= timedelta(seconds=72)
    assert all(timedelta(hours=4.8) <= wait <= timedelta(hours=7.2) for wait in waits[10:])
