"""Availability asked over HTTP: as it publishes its answers, and as anything may go wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from availability.domain.freshness import State
from availability.inbound.http.bodies import AppointmentBody
from availability.inbound.http.lists import MOST_BYTES
from availability.inbound.http.why import PreviewAnswer, PreviewCalendar, PreviewQuestion, WhyAnswer
from connector.application.look_ahead import Asker, LookAhead, NoAnswer, TrySetup, Window
from connector.domain.calendars import AllDayRule, ConflictCalendar
from connector.domain.outlook import Appointment, ChangedThere
from connector.outbound.availability import LARGEST_ANSWER, HttpAvailability

Answering = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]
TOKEN = "header.payload.signature"
ASKER = Asker("usr|marie+1@x", TOKEN)
WINDOW = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC))
CHOICE = (ConflictCalendar("0f343b0931126a20f133d67c", AllDayRule.ALWAYS_BLOCK),)


def example(model: Any) -> dict[str, Any]:  # noqa: ANN401 - any of availability's bodies
    """What availability's own documentation shows of an answer."""
    said: dict[str, Any] = model.model_config["json_schema_extra"]["examples"][0]
    return said


def asked(answer: Answering, **settings: Any) -> HttpAvailability:  # noqa: ANN401 - as the constructor takes them
    transport = httpx.MockTransport(answer)
    return HttpAvailability("http://availability:8080/base", transport=transport, **settings)


async def streamed(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def saying(body: object, status: int = 200, **headers: str) -> Answering:
    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=streamed(json.dumps(body).encode()), headers=headers)

    return answer


async def test_each_question_goes_where_it_belongs_with_the_users_token() -> None:
    seen: list[httpx.Request] = []
    preview = example(WhyAnswer) | {"calendars": []}

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        said = {"items": []} if "appointments" in request.url.path else preview
        return await saying(said)(request)

    async with asked(answer) as availability:
        await availability.why(ASKER, WINDOW)
        await availability.appointments(ASKER, WINDOW)
        await availability.preview(ASKER, WINDOW, CHOICE)

    user = "http://availability:8080/base/v1/users/usr%7Cmarie%2B1%40x"
    span = "start=2026-03-02T00%3A00%3A00Z&end=2026-03-16T00%3A00%3A00Z"
    assert [(one.method, str(one.url)) for one in seen] == [
        ("GET", f"{user}/why?{span}"),
        ("GET", f"{user}/appointments?{span}&cancelled=true"),
        ("POST", f"{user}/preview"),
    ]
    assert {one.headers["authorization"] for one in seen} == {f"Bearer {TOKEN}"}
    question = PreviewQuestion.model_validate_json(seen[2].content)
    assert [(one.id, one.all_day) for one in question.setup.conflict_calendars] == [(CHOICE[0].id, "always_block")]


async def test_what_availability_publishes_is_understood() -> None:
    calendar = PreviewCalendar(id="c-1", as_of=None, state=State.IMPORTING, known=False, all_day_marked_free=None)
    why = PreviewAnswer.model_validate(
        example(WhyAnswer) | {"calendars": [calendar, replace_count(calendar, 12)]}
    ).model_dump(mode="json")

    async with asked(saying(why)) as availability:
        outlook = await availability.why(ASKER, WINDOW)
        tried = await availability.preview(ASKER, WINDOW, CHOICE)

    [reason] = outlook.blocking
    assert (reason.kind, reason.rule, reason.calendar_id) == ("event", "busy", "0f343b0931126a20f133d67c")
    assert (reason.start, reason.title) == (datetime(2026, 3, 2, 8, tzinfo=UTC), None)
    assert (outlook.ignored, outlook.state) == ((), "fresh")
    assert outlook.as_of == datetime(2026, 3, 2, 7, 56, 12, tzinfo=UTC)
    assert (tried.outlook, tried.marked_free) == (outlook, {"c-1": None, "c-2": 12})


async def test_it_is_told_where_an_answer_does_not_tell_everything() -> None:
    whole = example(WhyAnswer) | {"calendars": []}
    cut = WhyAnswer.model_validate(whole | {"more": ["blocking", "ignored"]}).model_dump(mode="json")

    async with asked(saying(cut)) as availability:
        why = await availability.why(ASKER, WINDOW)
        preview = (await availability.preview(ASKER, WINDOW, CHOICE)).outlook
    async with asked(saying(whole)) as availability:
        everything = await availability.why(ASKER, WINDOW)

    assert why.more == preview.more == ("blocking", "ignored")
    assert why.cut == {"blocking": datetime(2026, 3, 2, 8, tzinfo=UTC)}
    assert (everything.more, everything.cut) == ((), {})


def replace_count(calendar: PreviewCalendar, count: int) -> PreviewCalendar:
    return calendar.model_copy(update={"id": "c-2", "known": True, "all_day_marked_free": count})


async def test_an_appointment_tells_what_was_agreed_last_and_how_it_fares() -> None:
    published = example(AppointmentBody)
    AppointmentBody.model_validate(published)
    booked = published["history"][0]
    doubted = booked | {"what": "in_conflict", "at": "2026-03-01T10:00:00Z"}
    moved = booked | {"what": "rescheduled", "at": "2026-03-01T09:30:00Z"}
    there = {"change": "moved", "start": "2026-03-02T16:00:00Z", "end": "2026-03-02T16:45:00Z"}
    second = published | {
        "history": [booked, moved, doubted],
        "export": {"state": "failed", "reason": "quota", "changed_in_icloud": there},
    }

    async with asked(saying({"items": [published, second]})) as availability:
        first, other = await availability.appointments(ASKER, WINDOW)

    start, at = datetime(2026, 3, 2, 14, tzinfo=UTC), datetime(2026, 3, 1, 9, 12, 44, tzinfo=UTC)
    assert first == Appointment(published["id"], published["title"], start, "booked", at, "pending", None)
    assert other == replace(
        first,
        what="rescheduled",
        at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        export="failed",
        reason="quota",
        changed=ChangedThere("moved", datetime(2026, 3, 2, 16, tzinfo=UTC)),
    )


async def test_the_beginning_of_a_list_that_goes_on_is_taken_and_fits() -> None:
    answer = saying({"items": [example(AppointmentBody)], "next": "1772460000.6f1e2d3c4b5a49788796a5b4c3d2e1f0"})

    async with asked(answer) as availability:
        found = await availability.appointments(ASKER, WINDOW)

    assert len(found) == 1
    assert MOST_BYTES + 1_000 < LARGEST_ANSWER


async def test_of_a_cancelled_appointment_it_is_told_when_it_was_taken_out() -> None:
    published = example(AppointmentBody)
    cancelled = published["history"][0] | {"what": "cancelled", "at": "2026-03-01T10:00:00Z"}
    gone = {"state": "removed", "reason": None, "changed_in_icloud": None, "at": "2026-03-01T10:02:00Z"}
    over = published | {"state": "cancelled", "history": [*published["history"], cancelled], "export": gone}
    AppointmentBody.model_validate(over)
    older = over | {"export": {name: value for name, value in gone.items() if name != "at"}}

    async with asked(saying({"items": [over, older]})) as availability:
        first, other = await availability.appointments(ASKER, WINDOW)

    assert (first.what, first.cancelled, first.export) == ("cancelled", True, "removed")
    assert first.export_at == datetime(2026, 3, 1, 10, 2, tzinfo=UTC)
    assert other == replace(first, export_at=None)


async def refusing(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(TOKEN)


async def hanging(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody waits so long")


async def trickling(_: httpx.Request) -> httpx.Response:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"blocking": ['
        await asyncio.Event().wait()

    return httpx.Response(200, content=body())


async def flooding(_: httpx.Request) -> httpx.Response:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_ANSWER // 65_536 + 1):
            yield b" " * 65_536
        raise AssertionError("nobody reads so much")

    return httpx.Response(200, content=body())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (saying({}, 401), "status 401"),
        (saying({}, 404), "status 404"),
        (saying({}, 503), "status 503"),
        (saying({}, 307, location="http://evil.test/"), "status 307"),
        (saying({}), "ValidationError"),
        (saying(example(WhyAnswer) | {"as_of": TOKEN}), "ValidationError"),
        (refusing, "ConnectError"),
        (hanging, "TimeoutError"),
        (trickling, "TimeoutError"),
        (flooding, "too large"),
    ],
)
async def test_anything_else_is_no_answer_and_leaves_nothing_secret_behind(
    answer: Answering, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asked(
        answer, patience=timedelta(seconds=0.05 if answer in {hanging, trickling} else 30)
    ) as availability:
        with pytest.raises(NoAnswer, match=why) as told:
            await availability.why(ASKER, WINDOW)

    assert TOKEN not in repr(told.value)
    assert told.value.__cause__ is None
    assert TOKEN not in capsys.readouterr().out


async def test_what_is_answered_is_told_and_what_is_not_is_none() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return await (saying({}, 503) if "appointments" in request.url.path else saying(example(WhyAnswer)))(request)

    async with asked(answer) as availability:
        ahead = await LookAhead(availability)(ASKER, WINDOW, WINDOW)
        evidence = await TrySetup(availability).evidence(ASKER, WINDOW, ["c-1"])
        tried = await TrySetup(availability)(ASKER, WINDOW, CHOICE)

    assert ahead.outlook is not None
    assert (ahead.appointments, evidence, tried) == (None, None, None)
