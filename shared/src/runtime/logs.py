"""Logs are facts: an event's name and its fields, one line each, with nothing secret in them."""

import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, NoReturn, TextIO

import structlog
from structlog.typing import Processor

from runtime.redaction import redact, tell_errors

_ROOT: Final = "calsync"
_FOREIGN_LEVEL: Final = logging.WARNING
"""Libraries stay at this level whatever ours is: at DEBUG they print records, commands and addresses."""
_QUIET_SECONDS: Final = 60.0
"""A library that repeats itself is heard once in so many seconds: without Kafka aiokafka says sixty lines a second."""
_MOST_WORDINGS: Final = 200
"""So many wordings are told apart within that time; all others of a logger count as one."""
_LEFT_OUT: Final = "left_out"

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
)
_STAMP: Final = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
"""After redaction, which need not look for a secret in it: whatever stood in its place is replaced."""
_JSON: Final = json.JSONEncoder(ensure_ascii=False)
"""Made once. After redaction there is nothing that JSON does not know."""


def configure(
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"], log_format: Literal["json", "console"] = "json"
) -> None:
    """Send all logs of the process to stdout, redacted, as JSON lines or for people."""
    told = (_exc_info_resolved, tell_errors, redact, _STAMP, _renderer(log_format))
    handler = _Stdout()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, partial(_say, handler, told)],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler.addFilter(RepetitionLimit())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder(allow=(_LEFT_OUT,))],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *told],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_FOREIGN_LEVEL)
    logging.getLogger(_ROOT).setLevel(level)
    # FastStream warns at each start that it makes no topics, and of idle consumers; both are as we want it.
    logging.getLogger("faststream").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)
    # A fault inside logging would print the record to stderr, before any redaction.
    logging.raiseExceptions = False


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of ours: `log.info("connection_made", connection_id=…)`."""
    return structlog.stdlib.get_logger(f"{_ROOT}.{name}")


@dataclass(slots=True)
class _Said:
    """What is not said again until a moment of the limit's clock, and how often it would have been."""

    until: float
    left_out: int = 0


class RepetitionLimit(logging.Filter):
    """Lets each wording (logger, level, template, type of error) of a library through once in sixty seconds.

    The next line of that wording carries in `left_out` how many were not. Loggers of ours are not limited.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, ...], _Said] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be said."""
        if record.name.partition(".")[0] == _ROOT:
            return True
        now, wording = self._clock(), _wording(record)
        if wording not in self._said and self._is_full(now):
            wording = wording[:2]
        known = self._said.get(wording)
        if known is not None and now < known.until:
            known.left_out += 1
            return False
        if known is not None and known.left_out:
            setattr(record, _LEFT_OUT, known.left_out)
        self._said[wording] = _Said(now + _QUIET_SECONDS)
        return True

    def _is_full(self, now: float) -> bool:
        if len(self._said) >= _MOST_WORDINGS:
            self._said = {wording: said for wording, said in list(self._said.items()) if now < said.until}
        return len(self._said) >= _MOST_WORDINGS


def _wording(record: logging.LogRecord) -> tuple[str, ...]:
    template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    error = record.exc_info[0] if record.exc_info else None
    return record.name, record.levelname, template, "" if error is None else error.__name__


class _Stdout(logging.StreamHandler[TextIO]):
    """Writes to what is stdout at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # as logging's own handler of last resort does it
        return sys.stdout

    def say(self, line: str) -> None:
        """Write a line that is ready."""
        self.acquire()
        try:
            self.stream.write(line + self.terminator)
            self.stream.flush()
        finally:
            self.release()


def _say(
    handler: _Stdout, told: Sequence[Processor], logger: object, method: str, event: structlog.typing.EventDict
) -> NoReturn:
    """Our own lines end here: logging's way from here to the handler took a seventh of a question to availability.

    Where the handler was taken away nothing is said, as it were that way.
    """
    if handler in logging.root.handlers:
        # As with logging's handlers: what cannot be told stops nobody's work.
        with suppress(Exception):
            line: Any = event
            for processor in told:
                line = processor(logger, method, line)
            handler.say(line)
    raise structlog.DropEvent


def _renderer(log_format: Literal["json", "console"]) -> Processor:
    if log_format == "json":
        return _in_json
    return structlog.dev.ConsoleRenderer(colors=False)


def _in_json(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    return _JSON.encode(event)


def _exc_info_resolved(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """`exc_info=True` means the error at hand."""
    if event.get("exc_info") is True:
        event["exc_info"] = sys.exc_info()
    return event
