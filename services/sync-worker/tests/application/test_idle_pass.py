"""What a pass costs that finds nothing new."""

from dataclasses import replace
from typing import Any

from worker_examples import ics
from worker_stage import Stage


class Watched:
    """A neighbour whose calls are counted."""

    def __init__(self, neighbour: object, calls: list[str]) -> None:
        self._neighbour = neighbour
        self._calls = calls

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - it stands before neighbours of any kind
        self._calls.append(name)
        return getattr(self._neighbour, name)


async def test_an_idle_pass_asks_apple_once_and_the_store_for_nothing_but_its_end() -> None:
    stage = Stage()
    calendars = [stage.icloud.calendar(name) for name in ("home", "work", "family")]
    for calendar in calendars:
        calendar.put("a", ics(f"uid-{calendar.path}", "2027-06-01T10:00"))
    await stage.follow(*calendars)
    await stage.sync(2)
    stage.icloud.asked.clear()
    calls: list[str] = []
    plain = stage.neighbours()
    objects: Any = Watched(plain.objects, calls)
    passes: Any = Watched(plain.passes, calls)

    await stage.worker(replace(plain, objects=objects, passes=passes))(await stage.claim())

    assert stage.icloud.asked == [("calendars", "")]
    assert calls == ["end"]
