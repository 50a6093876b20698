"""Logs are facts: an event's name and its fields, one line each, with nothing secret in them."""

import logging
import sys
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import Processor

from runtime.redaction import redact, tell_errors

_ROOT: Final = "calsync"
_FOREIGN_LEVEL: Final = logging.WARNING
"""Libraries stay at this level whatever ours is: at DEBUG they print records, commands and addresses."""

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.StackInfoRenderer(),
)


def configure(
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"], log_format: Literal["json", "console"] = "json"
) -> None:
    """Send all logs of the process to stdout, redacted, as JSON lines or for people."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Stdout()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder(allow=())],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _exc_info_resolved,
                tell_errors,
                redact,
                _renderer(log_format),
            ],
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


class _Stdout(logging.StreamHandler[TextIO]):
    """Writes to what is stdout at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # as logging's own handler of last resort does it
        return sys.stdout


def _renderer(log_format: Literal["json", "console"]) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=False)


def _exc_info_resolved(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """`exc_info=True` means the error at hand."""
    if event.get("exc_info") is True:
        event["exc_info"] = sys.exc_info()
    return event
