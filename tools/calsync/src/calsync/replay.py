"""Dead letters sent again to where they came from."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pymongo.errors import DuplicateKeyError

from calsync.audit import Deed, Entry, KeptAudit
from calsync.ends import End, Misuse, NotThere
from calsync.kafka import consumer, publisher
from calsync.letters import Letter, Wanted, letters, row, shown
from calsync.objections import Objections
from calsync.session import Session
from calsync.settings import Log, StoreAndLog
from calsync.stores import Stores, stores
from runtime.clock import system_clock
from runtime.kafka.publisher import LARGEST_LETTER, Publisher, RawRecord
from runtime.settings import KafkaSettings

_MOST: Final = 10_000
"""Letters at once: whoever has more has another problem than letters."""
_TOGETHER: Final = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """How letters are sent."""

    per_second: float
    again: bool
    """Also those that were sent before."""
    dry_run: bool

    @property
    def batch(self) -> int:
        """Letters of about a second: for so long it is believed that nothing speaks against them."""
        return min(max(int(self.per_second), 1), _TOGETHER)


@dataclass(frozen=True, slots=True)
class Done:
    """How many were sent, and why others were not, by id, though they were to be."""

    sent: int
    left_out: Mapping[str, str]


async def show_list(session: Session, wanted: Wanted, limit: int) -> End:
    """The letters that are wanted, and how many there are on each topic; WRONG when there are any."""
    rows: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    async with consumer(session.load(Log).kafka) as found:
        async for letter in letters(found, wanted):
            counts[letter.topic] = counts.get(letter.topic, 0) + 1
            if len(rows) < limit:
                rows.append(row(letter))
    session.tell(topics=counts, letters=rows, shown=len(rows))
    return End.WRONG if rows else End.OK


async def show_one(session: Session, wanted: Wanted) -> End:
    """One letter."""
    async with consumer(session.load(Log).kafka) as found:
        async for letter in letters(found, wanted):
            session.tell(**shown(letter))
            return End.OK
    raise NotThere("There is no such letter. `calsync dead-letters list` names them with topic, partition and offset.")


async def replay(session: Session, wanted: Wanted, pace: Pace) -> End:
    """Show what would be sent, ask, send; WRONG when something was left out."""
    if pace.per_second <= 0:
        raise Misuse("--per-second must be more than 0.")
    settings = session.load(StoreAndLog)
    async with stores(settings.mongo) as kept:
        async with consumer(settings.kafka) as found:
            chosen = [letter async for letter in letters(found, wanted)]
            if len(chosen) > _MOST:
                raise Misuse(f"{len(chosen)} letters are more than the {_MOST} at once: narrow it down.")
            objections = await Objections(kept, found, chosen)(chosen)
            left_out = objections | await _sent_before(kept, chosen, again=pace.again)
        sending = [letter for letter in chosen if letter.id not in left_out]
        plan = {
            "letters": [{**row(letter), "left_out": left_out.get(letter.id)} for letter in chosen],
            "to_send": len(sending),
        }
        session.preview(**plan)
        done = Done(0, {})
        if sending and not pace.dry_run:
            done = await _ask_and_send(session, kept, settings.kafka, sending, pace)
        meanwhile = {"meanwhile": done.left_out} if done.left_out else {}
        left = len(left_out) + len(done.left_out)
        session.tell(**(plan if session.as_json else {}), sent=done.sent, left_out=left, **meanwhile)
    return End.WRONG if left else End.OK


async def _ask_and_send(
    session: Session, kept: Stores, kafka: KafkaSettings, sending: Sequence[Letter], pace: Pace
) -> Done:
    meanwhile: dict[str, str] = {}

    async def work(entry: Entry) -> None:
        entry.told["sent"] = 0
        async with publisher(kafka) as found, consumer(kafka) as beside:
            objections = Objections(kept, beside, sending)
            for start in range(0, len(sending), pace.batch):
                some = sending[start : start + pace.batch]
                # Much may have happened since it was shown: while it was asked, and while the others were sent.
                against = await objections(some)
                meanwhile.update(against)
                for letter in some:
                    if letter.id not in against:
                        await _send(found, kept, letter)
                        entry.told["sent"] += 1
                        await asyncio.sleep(1 / pace.per_second)
        if meanwhile:
            entry.told["left_out"] = len(meanwhile)

    deed = Deed("dead-letters replay", {"letters": [letter.id for letter in sending]})
    audit = KeptAudit(kept.audit, system_clock, session.named)
    entry = await session.change(audit, deed, f"Send {len(sending)} records to their topics again?", work)
    return Done(int(entry.told["sent"]), meanwhile)


async def _send(found: Publisher, kept: Stores, letter: Letter) -> None:
    # First the record, then the note: killed in between, it is sent twice, which readers take for once.
    record = RawRecord(
        letter.topic, letter.key, letter.value, letter.original_headers, letter.number("dl-partition") or 0
    )
    await found.publish_raw([record], LARGEST_LETTER)
    try:
        await kept.replayed.insert_one({"_id": letter.id, "at": system_clock()})
    except DuplicateKeyError:
        await kept.replayed.update_one({"_id": letter.id}, {"$set": {"at": system_clock()}})


async def _sent_before(kept: Stores, chosen: Iterable[Letter], *, again: bool) -> dict[str, str]:
    if again:
        return {}
    sent = kept.replayed.find({"_id": {"$in": [letter.id for letter in chosen]}})
    return {one["_id"]: "sent before; --again sends it once more" async for one in sent}
