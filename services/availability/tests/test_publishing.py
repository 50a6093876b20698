"""What became of appointments is told, in the order in which it happened, and not lost while Kafka is away."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RequestTimedOutError
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import ACCOUNT, CONNECTION, NOW, THEY, connected, seconds, span
from services.availability.tests.stories import connections

from availability.application.publish import Unpublishable, Unpublished
from availability.domain.appointments import Act, Agreed, Announcement, News, announcement, booked
from availability.domain.freshness import Connection
from availability.domain.users import User
from availability.outbound.kafka import KafkaAnnouncer, event_of, records_of, requested
from contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentInConflict,
    AppointmentRescheduled,
    RequestReason,
)
from contracts.topics import APPOINTMENTS
from runtime.kafka import Publisher, PublishFailed
from runtime.kafka.publisher import RawRecord, key_hash
from runtime.settings import KafkaSettings, load

APPOINTMENT = booked("apt-1", THEY, Agreed(span(9, 10), "Coupe", "Lyon", "Allergie"), Act(NOW, "user-1"))
ACT = Act(NOW + timedelta(minutes=1), "user-1")


async def test_an_appointments_life_is_told_in_order_and_once(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    shown = await stage.book(span(9, 10))
    shown = await stage.change(shown, span(11, 12))
    shown = await stage.change(shown, title="Couleur")
    await stage.cancel(shown)

    told = await stage.publish()
    again = await stage.publish()

    assert [one.news for one in told] == [News.BOOKED, News.RESCHEDULED, News.EDITED, News.CANCELLED]
    assert [one.revision for one in told] == [1, 2, 3, 4]
    assert [one.previous for one in told] == [None, span(9, 10), None, None]
    assert {one.connection_id for one in told} == {CONNECTION}
    assert again == []


async def test_bookings_go_on_while_kafka_is_away_and_are_told_afterwards(stage: Stage) -> None:
    stage.announcer.away = True
    for hour in range(5):
        await stage.book(span(hour, hour + 1))
        with pytest.raises(Unpublished):
            await stage.publish()
    stage.announcer.away = False

    told = await stage.publish()

    assert [one.agreed.span for one in told] == [span(hour, hour + 1) for hour in range(5)]
    assert await stage.publish() == []


async def test_what_can_never_be_told_holds_up_nothing_else(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    refused = [await stage.book(span(hour, hour + 1)) for hour in (9, 10)]
    stage.announcer.refused = {one.appointment.id for one in refused}
    other = await stage.book(span(11, 12))
    await stage.change(refused[0], title="Couleur")

    told = await stage.publish()
    said = capsys.readouterr().out
    left = await stage.waiting()
    stage.announcer.refused = set()
    afterwards = await stage.publish()

    assert [one.appointment_id for one in told] == [other.appointment.id]
    assert sorted([one.revision for one in several] for several in left) == [[1], [1, 2]]
    assert said.count("appointment_passed_over") == said.count("appointments_passed_over") == 1
    assert refused[0].user.account_id in said
    assert sorted((one.appointment_id, one.revision) for one in afterwards) == sorted(
        (one.appointment.id, revision) for one, revision in zip([*refused, refused[0]], (1, 1, 2), strict=True)
    )


async def test_without_kafka_nothing_is_tried_one_by_one(stage: Stage) -> None:
    refused = await stage.book(span(9, 10))
    await stage.book(span(10, 11))
    stage.announcer.refused = {refused.appointment.id}
    stage.announcer.away = True

    with pytest.raises(Unpublished):
        await stage.publish()

    assert len(await stage.waiting()) == 2
    assert stage.announcer.tries == 1


async def test_users_who_cannot_be_told_of_at_the_moment_hold_up_nobody_else(stage: Stage) -> None:
    lost = User(ACCOUNT, "lost")
    users = [User(ACCOUNT, f"u-{number:03}") for number in range(205)]
    for user in users:
        await stage.book(span(9, 10), user=user)
    for hour in range(3):
        await stage.book(span(hour, hour + 1), user=lost)
    stage.announcer.lost = {lost}

    for _ in range(2):
        with pytest.raises(Unpublished):
            await stage.publish()
    told, tries = [*stage.announcer.told], stage.announcer.tries
    stage.announcer.lost = set()
    afterwards = await stage.publish()

    assert sorted(one.user for one in told) == users
    assert tries <= 2 + 2, "two pages of the others, and once in each sweep those of the lost"
    assert [one.user for one in afterwards] == [lost] * 3


async def test_a_mark_never_covers_what_was_not_told(stage: Stage) -> None:
    shown = await stage.book(span(9, 10))
    ((first,),) = await stage.waiting()
    await stage.change(shown, span(11, 12))

    await stage.outbox.mark(first, NOW)
    told = await stage.publish()
    await stage.outbox.mark(first, NOW)

    assert [one.revision for one in told] == [2]
    assert await stage.waiting() == []


async def test_different_appointments_are_told_in_the_order_in_which_things_happened(stage: Stage) -> None:
    first = await stage.book(span(9, 10))
    stage.clock.now += timedelta(seconds=1)
    await stage.change(first, span(11, 12))
    stage.clock.now += timedelta(seconds=1)
    await stage.book(span(9, 10))

    told = await stage.publish()

    assert [(one.news, one.agreed.span) for one in told] == [
        (News.BOOKED, span(9, 10)),
        (News.RESCHEDULED, span(11, 12)),
        (News.BOOKED, span(9, 10)),
    ]


async def test_a_clock_that_runs_behind_changes_no_order(stage: Stage) -> None:
    shown = await stage.book(span(9, 10))
    stage.clock.now -= timedelta(minutes=5)
    await stage.change(shown, span(11, 12))

    told = await stage.publish()

    assert [one.revision for one in told] == [1, 2]


class Refusing(Publisher):
    """Its Kafka refuses whatever comes."""

    def __init__(self, kafka: KafkaSettings, error: KafkaError) -> None:
        super().__init__(kafka, "tests")
        self._error = error

    async def publish_raw(self, records: Sequence[RawRecord], largest: int = 0) -> None:
        del records, largest
        raise PublishFailed from self._error


KAFKA = load(KafkaSettings, {"CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
SAID = announcement(APPOINTMENT, None)


@pytest.mark.parametrize(
    ("said", "publisher", "error"),
    [
        (SAID, Publisher(KAFKA, "not started"), Unpublished),
        (SAID, Refusing(KAFKA, RequestTimedOutError()), Unpublished),
        (SAID, Refusing(KAFKA, MessageSizeTooLargeError()), Unpublishable),
        (replace(SAID, agreed=Agreed(span(9, 10), "x" * 1_000_000)), Publisher(KAFKA, "tests"), Unpublishable),
        (replace(SAID, agreed=Agreed(span(9, 10), "\ud800")), Publisher(KAFKA, "tests"), Unpublishable),
        (replace(SAID, connection_id=""), Publisher(KAFKA, "tests"), Unpublishable),
    ],
    ids=["away", "slow", "too large for the topic", "too large", "no text", "against the contract"],
)
async def test_what_kafka_would_never_take_is_told_from_its_absence(
    said: Announcement, publisher: Publisher, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await KafkaAnnouncer(publisher).announce([said])


def test_a_lane_is_a_partition() -> None:
    announcer = KafkaAnnouncer(Publisher(KAFKA, "tests"))
    users = [User(ACCOUNT, f"u-{number}") for number in range(200)]

    lanes = [announcer.lane(user) for user in users]

    records = records_of([replace(SAID, user=user) for user in users])
    assert lanes == [key_hash(one.partition_key) % APPOINTMENTS.partitions for one in records]


def test_each_piece_of_news_is_the_event_of_its_contract() -> None:
    moved = APPOINTMENT.with_agreed(Agreed(span(11, 12), "Coupe"), ACT)
    taken = moved.in_conflict((span(11, 11.5),), NOW)
    over = taken.in_conflict((), NOW)
    gone = over.cancelled(ACT)

    said = [event_of(announcement(one, "c-1")) for one in (APPOINTMENT, moved, taken, over, gone)]

    identity = {"account_id": THEY.account_id, "user_id": THEY.user_id, "connection_id": "c-1", "epoch": 1}
    ids = [identity | {"appointment_id": "apt-1", "revision": revision} for revision in range(1, 6)]
    nine, eleven = span(9, 10), span(11, 12)
    words = {"title": "Coupe", "location": "Lyon", "notes": "Allergie"}
    later = {"start": eleven[0], "end": eleven[1]}
    assert said == [
        AppointmentBooked.model_validate({**ids[0], **words, "start": nine[0], "end": nine[1]}),
        AppointmentRescheduled.model_validate({**ids[1], **later, "title": "Coupe", "previous": nine}),
        AppointmentInConflict.model_validate({**ids[2], **later, "conflicts": (span(11, 11.5),)}),
        AppointmentInConflict.model_validate({**ids[3], **later, "conflicts": ()}),
        AppointmentCancelled.model_validate(ids[4]),
    ]


def test_an_appointment_of_a_user_without_a_connection_is_told_without_one() -> None:
    said = event_of(announcement(APPOINTMENT, None))

    assert (said.connection_id, said.key, said.entity) == (None, THEY.user_id, "apt-1")


def test_a_request_for_a_look_says_who_asks_and_why() -> None:
    connection = Connection(CONNECTION, 3, ())

    said = requested(User("account-1", "user-1"), connection, NOW)

    assert (said.connection_id, said.epoch, said.reason) == (CONNECTION, 3, RequestReason.BOOKING)
    assert (said.requested_at, said.revision) == (seconds(NOW), seconds(NOW) * 1000)
