"""Questions that come within a moment of each other, asked as one."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from functools import partial
from typing import Any, Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class _Due(asyncio.Future[Answer]):
    """An answer that comes whether or not it is still wanted: a task that is cancelled while it waits ends with it."""

    def cancel(self, msg: object = None) -> bool:
        """Refuse; the task remembers that it was cancelled."""
        del msg
        return False


class Together(Generic[Asked, Answer]):
    """Puts the questions of many callers to the store at once; each hears its own answer, or its own error.

    The driver's way to the store and back costs about as much for fifty documents as for one.
    What was put in is asked to its end: a caller that is cancelled leaves when its answer is there.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Asked]], Coroutine[Any, Any, Sequence[Answer | Exception]]],
        *,
        seconds: float,
        most: int,
    ) -> None:
        """`ask` answers in the order of its questions, of which there are at most `most`; what it raises all hear.

        The first of a batch waits for others so many seconds.
        """
        self._ask = ask
        self._seconds = seconds
        self._most = most
        self._waiting: list[tuple[Asked, _Due[Answer]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.Task[Sequence[Answer | Exception]]] = set()

    async def __call__(self, one: Asked) -> Answer:
        """The answer to one question."""
        loop = asyncio.get_running_loop()
        answer: _Due[Answer] = _Due(loop=loop)
        self._waiting.append((one, answer))
        if len(self._waiting) >= self._most:
            self._go()
        elif self._timer is None:
            self._timer = loop.call_later(self._seconds, self._go)
        return await answer

    def _go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        batch, self._waiting, self._timer = self._waiting, [], None
        # Whatever is logged on the way is nobody's in particular.
        task = asyncio.get_running_loop().create_task(self._ask([one for one, _ in batch]), context=Context())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        task.add_done_callback(partial(_hand_out, [answer for _, answer in batch]))


def _hand_out(callers: Sequence[asyncio.Future[Answer]], asked: asyncio.Future[Sequence[Answer | Exception]]) -> None:
    if asked.cancelled():
        for caller in callers:
            caller.set_exception(asyncio.CancelledError())
        return
    error = asked.exception()
    answers = asked.result() if error is None else [error] * len(callers)
    for caller, answer in zip(callers, answers, strict=True):
        if isinstance(answer, BaseException):
            caller.set_exception(answer)
        else:
            caller.set_result(answer)
