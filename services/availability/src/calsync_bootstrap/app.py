"""`calsync-bootstrap`: the proof that the topics are enough, from the command line."""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from availability.inbound.kafka import GROUP
from availability.outbound.mongo import DATABASE
from calsync_bootstrap.comparison import Difference, Sum, Version
from calsync_bootstrap.kept import Kept
from calsync_bootstrap.rebuilt import Rebuilt
from calsync_bootstrap.settings import Settings
from calsync_bootstrap.topics import Silent, reading
from calsync_bootstrap.verify import LiveIsBehind, Verdict, Verify
from runtime import mongo
from runtime.clock import system_clock
from runtime.settings import SettingsInvalid, load

NAME: Final = "calsync-bootstrap"
_EQUAL, _NOT_EQUAL, _WRONG = 0, 1, 2
_SHOWN: Final = 20
_OTHERS: Final = frozenset({DATABASE, "connector", "sync", "vault", "calsync_admin", "admin", "config", "local"})
"""Never filled and dropped, even on the day before they hold anything."""


class NotEmpty(Exception):
    """The database to fill holds something already, or is not for that."""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be told besides the settings."""

    database: str = "availability_rebuilt"
    """The database to fill; it must be empty, and is dropped at the end unless it is to be kept."""
    keep: bool = False
    patience: float = 60.0
    """Seconds that availability has to apply what the topics hold."""
    live: str = DATABASE
    """The database to compare it with."""
    group: str = GROUP
    """The consumers that fill that."""


async def verify(settings: Settings, options: Options) -> Verdict:
    """Make the database anew from the topics and hold it against the living one.

    Raises NotEmpty, LiveIsBehind, Silent, and what MongoDB and Kafka raise.
    """
    client = mongo.connect(settings.mongo, NAME)
    try:
        if options.database in _OTHERS:
            raise NotEmpty(f"the database {options.database} is a service's own: name another one")
        if await client[options.database].list_collection_names():
            raise NotEmpty(f"the database {options.database} is not empty: drop it, or name another one")
        try:
            async with reading(settings.kafka, NAME, options.group) as topics:
                rebuilt = Rebuilt(client, options.database, system_clock)
                await rebuilt.prepare()
                sides = (Kept(client, options.live), Kept(client, options.database))
                return await Verify(topics, rebuilt, sides, options.patience)()
        finally:
            if not options.keep:
                await client.drop_database(options.database)
    finally:
        client.close()


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Do as told: 0 equal, 1 not equal or not to be told, 2 wrongly called. No title and no time is ever printed."""
    told = _parser().parse_args(arguments)
    try:
        verdict = asyncio.run(verify(load(Settings, environ), _options(told)))
    except (SettingsInvalid, NotEmpty) as wrong:
        return _say(str(wrong), _WRONG)
    except (LiveIsBehind, Silent) as wrong:
        return _say(str(wrong), _NOT_EQUAL)
    except (KafkaError, PyMongoError) as error:
        # Their messages may quote addresses.
        return _say(f"{type(error).__name__}. Nothing is changed; start it again.", _NOT_EQUAL)
    return _say("\n".join(_lines(verdict, told)), _EQUAL if verdict.equal else _NOT_EQUAL)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(NAME, description="Whether the topics alone make availability's database.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("verify", help="fill an empty database from the topics and compare it with the living")
    usual = Options()
    check.add_argument("--database", default=usual.database, help=f"the one to fill (default: {usual.database})")
    check.add_argument("--live", default=usual.live, help=f"the one to compare it with (default: {usual.live})")
    check.add_argument("--group", default=usual.group, help=f"the consumers that fill that (default: {usual.group})")
    check.add_argument("--keep", action="store_true", help="leave the filled database behind")
    check.add_argument(
        "--patience", type=float, default=usual.patience, help="seconds that availability has to catch up (default: 60)"
    )
    return parser


def _options(told: Namespace) -> Options:
    return Options(told.database, keep=told.keep, patience=told.patience, live=told.live, group=told.group)


def _lines(verdict: Verdict, told: Namespace) -> list[str]:
    shown = verdict.differences[:_SHOWN]
    refused = f", {verdict.refused} of them nobody can read" if verdict.refused else ""
    kept = f" It is kept as {told.database}." if told.keep else ""
    count = len(verdict.differences)
    return [
        f"Read {verdict.records} records{refused}, compared within {verdict.seconds:.1f} s.{kept}",
        f"live     {_counted(verdict.live)}",
        f"rebuilt  {_counted(verdict.rebuilt)}",
        *(_told(one) for one in shown),
        *([f"and {count - len(shown)} more"] if count > len(shown) else []),
        "Equal." if verdict.equal else f"Not equal: {count} {'differs' if count == 1 else 'differ'}.",
    ]


def _counted(side: Sum) -> str:
    return f"{_several(side.connections, 'connection')}, {_several(side.events, 'event')}, hash {side.hash}"


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _told(one: Difference) -> str:
    return f"differs: {one.kind} {one.id}, live {_at(one.live)}, rebuilt {_at(one.rebuilt)}"


def _at(version: Version | None) -> str:
    return "none" if version is None else f"at epoch {version[0]} revision {version[1]}"


def _say(text: str, code: int) -> int:
    (sys.stderr if code else sys.stdout).write(f"{text}\n")
    return code
