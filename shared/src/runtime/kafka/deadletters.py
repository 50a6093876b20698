"""Where records go that can never be processed: their bytes as they came, and why."""

from typing import Final

from contracts.wire import Undecodable
from runtime.clock import Clock
from runtime.kafka.consumer import Record
from runtime.kafka.publisher import LARGEST_LETTER, Publisher, RawRecord

_REASON_LENGTH: Final = 500


class DeadLetters:
    """Writes to `<topic>.dead`."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock

    async def bury(self, record: Record, group: str, error: Exception) -> None:
        """Return when the dead letter is acknowledged. Raises PublishFailed, or RecordTooLarge for what is not ours."""
        why = {
            "dl-reason": reason(error),
            "dl-topic": record.topic,
            "dl-partition": str(record.partition),
            "dl-offset": str(record.offset),
            "dl-consumer": group,
            "dl-at": self._clock().isoformat(timespec="milliseconds"),
        }
        letter = RawRecord(
            topic=f"{record.topic}.dead",
            key=record.key,
            value=record.value,
            headers=(*record.headers, *((name, said.encode()) for name, said in why.items())),
            partition=record.partition,
        )
        await self._publisher.publish_raw([letter], LARGEST_LETTER)


def reason(error: Exception) -> str:
    """Why a record is refused, in words that quote none of it: only the contract's own errors speak for themselves."""
    name = type(error).__name__
    return f"{name}: {error}"[:_REASON_LENGTH] if isinstance(error, Undecodable) else name
