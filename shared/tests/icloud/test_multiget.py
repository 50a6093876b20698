"""How many objects are asked for at a time, of servers that bear more or less."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared.tests.icloud.scripted import CALENDAR, entry, page

from icloud import Absence, Budget, CalendarObject, Missing, NotUnderstood, TryLater
from icloud.batches import FIRST, MOST
from icloud.gate import Gate
from icloud.inflate import BodyTooLarge
from icloud.multiget import Multiget
from icloud.transport import Answer
from icloud.wire.requests import Request

HOST = Gate(("127.0.0.1",)).admit("http://127.0.0.1:1/")
TEXT = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
KILOBYTE, MEGABYTE = 1024, 1024 * 1024


@dataclass
class Calendar:
    """A calendar at a server that takes `seconds` for an answer of so many objects, and says what `trouble` raises."""

    seconds: Callable[[int], float] = lambda _: 0.1
    trouble: Callable[[int], Exception | None] = lambda _: None
    poison: frozenset[str] = frozenset()
    """Objects over which it stumbles."""
    bears: int = 10_000
    text: str = TEXT
    odd: dict[str, str] = field(default_factory=dict)
    """Objects with texts of their own."""
    asked: list[int] = field(default_factory=list)

    async def __call__(self, request: Request) -> Answer:
        names = re.findall(rf"<href>{CALENDAR}(\S+?)</href>", request.body.decode())
        self.asked.append(len(names))
        trouble = self.trouble(len(names))
        if trouble is not None:
            raise trouble
        if not self.poison.isdisjoint(names):
            raise TryLater(None, "status_500")
        body = bytearray(page(*(entry(name, text=self.odd.get(name, self.text)) for name in names[: self.bears])))
        return Answer(207, {}, body, HOST, seconds=self.seconds(len(names)))

    async def fetched(self, count: int, budget: Budget | None = None) -> list[CalendarObject | Missing]:
        fetch = Multiget(budget or Budget())
        return [one async for one in fetch(self, hrefs(count))]


def hrefs(count: int) -> list[str]:
    return [f"{CALENDAR}{number}.ics" for number in range(count)]


def lost(_: int) -> TryLater:
    return TryLater(None, "timeout")


async def test_ten_thousand_objects_are_little_more_than_forty_requests() -> None:
    calendar = Calendar()

    found = await calendar.fetched(10_000)

    assert [one.href for one in found if isinstance(one, CalendarObject)] == hrefs(10_000)
    assert calendar.asked[:4] == [FIRST, 100, 200, MOST]
    assert len(calendar.asked) == 42


async def test_an_answer_that_takes_its_time_is_not_asked_to_be_larger() -> None:
    calendar = Calendar(seconds=lambda count: count / 20)

    await calendar.fetched(1_000)

    assert set(calendar.asked) == {FIRST}


async def test_slow_answers_make_smaller_ones_that_grow_again_bit_by_bit() -> None:
    calendar = Calendar(seconds=lambda count: 10.0 if count > 180 else 0.5)

    await calendar.fetched(1_000)

    assert calendar.asked[:6] == [50, 100, 200, 100, 110, 120]


@pytest.mark.parametrize("slow_from", [1, 12])
async def test_a_server_that_is_slow_whatever_it_is_asked_is_not_asked_object_by_object(slow_from: int) -> None:
    calendar = Calendar(seconds=lambda count: 9.0 if count >= slow_from else 0.1)

    await calendar.fetched(400)

    assert min(calendar.asked[:-1]) == 10


async def test_slow_answers_do_not_make_batches_larger_than_the_bytes_of_one_allow() -> None:
    calendar = Calendar(seconds=lambda _: 9.0, text="X" * 400 * KILOBYTE)

    await calendar.fetched(60)

    assert set(calendar.asked[1:]) == {5}


async def test_what_does_not_come_in_time_is_asked_again_fewer_at_a_time() -> None:
    calendar = Calendar(trouble=lambda count: lost(count) if count > 150 else None)

    found = await calendar.fetched(1_000)

    assert all(isinstance(one, CalendarObject) for one in found)
    assert len(found) == 1_000
    assert calendar.asked[:6] == [50, 100, 200, 40, 50, 60]


async def test_a_server_that_answers_nothing_in_time_is_left_alone_after_three_questions() -> None:
    calendar = Calendar(trouble=lambda count: lost(count) if calendar.asked[:4] == [50, 100, 200, 250] else None)

    with pytest.raises(TryLater, match="timeout"):
        await calendar.fetched(1_000)

    assert calendar.asked == [50, 100, 200, 250, 50, 10]


@pytest.mark.parametrize("wanted", [TryLater(timedelta(minutes=5), "status_503"), TryLater(None, "status_503")])
async def test_a_server_that_wants_to_be_left_alone_is_not_asked_again(wanted: TryLater) -> None:
    calendar = Calendar(trouble=lambda count: wanted if count > FIRST else None)

    with pytest.raises(TryLater) as raised:
        await calendar.fetched(1_000)

    assert raised.value is wanted
    assert calendar.asked == [50, 100]


async def test_what_a_server_leaves_out_of_large_answers_is_asked_for_again() -> None:
    calendar = Calendar(bears=70)

    found = await calendar.fetched(300)

    assert [one.href for one in found if isinstance(one, CalendarObject)] == hrefs(300)
    assert calendar.asked[:4] == [50, 100, 30, 50]


async def test_what_does_not_come_alone_either_is_missing() -> None:
    calendar = Calendar(bears=0)

    found = await calendar.fetched(120)

    assert found == [Missing(href, Absence.UNANSWERED) for href in hrefs(120)]
    assert set(calendar.asked) == {FIRST, 20}


async def test_an_object_that_a_server_stumbles_over_is_missing_and_all_others_come() -> None:
    calendar = Calendar(poison=frozenset({"7.ics", "8.ics", "199.ics"}))

    found = await calendar.fetched(300)

    assert [one.href for one in found] == hrefs(300)
    assert [one for one in found if isinstance(one, Missing)] == [
        Missing(f"{CALENDAR}{name}.ics", Absence.UNANSWERED) for name in (7, 8, 199)
    ]
    assert len(calendar.asked) < 40


@pytest.mark.parametrize("text", [TEXT + "\x0b", TEXT + "'" * 200_000], ids=["no XML", "markup"])
async def test_an_object_whose_text_spoils_the_answer_is_missing_and_all_others_come(text: str) -> None:
    calendar = Calendar(odd={"70.ics": text})

    found = await calendar.fetched(200)

    assert [one.href for one in found] == hrefs(200)
    assert [one for one in found if isinstance(one, Missing)] == [Missing(f"{CALENDAR}70.ics", Absence.UNANSWERED)]
    assert len(calendar.asked) < 40


async def test_answers_that_are_no_xml_whatever_is_asked_are_not_gone_on_with() -> None:
    calendar = Calendar(text=TEXT + "\x0b")

    with pytest.raises(NotUnderstood, match="not_xml"):
        await calendar.fetched(200)

    assert len(calendar.asked) < 40


async def test_a_server_that_stumbles_over_everything_is_left_alone() -> None:
    calendar = Calendar(trouble=lambda _: TryLater(None, "status_500"))

    with pytest.raises(TryLater, match="status_500"):
        await calendar.fetched(1_000)

    assert calendar.asked == [50, 10, 2, 1, 1, 1, 1]


async def test_large_objects_are_asked_so_that_an_answer_stays_at_two_megabytes() -> None:
    calendar = Calendar(text=TEXT + "X" * 100 * KILOBYTE)

    await calendar.fetched(300)

    assert calendar.asked[0] == FIRST
    assert set(calendar.asked[1:-1]) == {20}


async def test_what_is_more_than_a_body_may_hold_is_halved_until_it_is_too_large_alone() -> None:
    calendar = Calendar(trouble=lambda _: BodyTooLarge())

    found = await calendar.fetched(3)

    assert found == [Missing(href, Absence.TOO_LARGE) for href in hrefs(3)]
    assert calendar.asked == [3, 1, 1, 1]


@given(
    count=st.integers(0, 600),
    slow=st.integers(1, 300),
    late=st.integers(11, 300),
    large=st.integers(1, 300),
    bears=st.integers(1, 300),
)
async def test_whatever_a_server_bears_each_object_comes_once_and_in_order(
    count: int, slow: int, late: int, large: int, bears: int
) -> None:
    def trouble(asked: int) -> Exception | None:
        return BodyTooLarge() if asked > large else lost(asked) if asked > late else None

    calendar = Calendar(seconds=lambda asked: 9.0 if asked > slow else 0.1, trouble=trouble, bears=max(bears, FIRST))

    found = await calendar.fetched(count)

    assert [one.href for one in found] == hrefs(count)
    assert all(isinstance(one, CalendarObject) for one in found)
    assert max(calendar.asked, default=0) <= MOST
