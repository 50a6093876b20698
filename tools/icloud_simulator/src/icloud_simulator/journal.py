"""Where facts are kept: nowhere, or in an append-only file that survives a killed process."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from icloud_simulator.facts import Fact, from_json, to_json


class Journal(Protocol):
    """Facts in the order in which they happened."""

    def read(self) -> Iterator[Fact]:
        """Yield everything that was written before. Called once, before the first write."""

    def write(self, facts: Sequence[Fact]) -> None:
        """Keep these facts together: after a crash all of them are there, or none."""

    def close(self) -> None:
        """Let go of the file."""


class NoJournal:
    """Forgets: the state lives in memory alone."""

    def read(self) -> Iterator[Fact]:
        return iter(())

    def write(self, facts: Sequence[Fact]) -> None:
        del facts

    def close(self) -> None:
        return None


class FileJournal:
    """One line a write. A line without its end was cut by a crash and is dropped at the next start.

    Nothing is forced to the disk: a killed process loses nothing, a power cut may.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "journal.jsonl"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def read(self) -> Iterator[Fact]:
        whole = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                for value in json.loads(line):
                    yield from_json(value)
        os.truncate(self._file, whole)

    def write(self, facts: Sequence[Fact]) -> None:
        line = json.dumps([to_json(fact) for fact in facts], separators=(",", ":")).encode() + b"\n"
        written = os.write(self._file, line)
        while written < len(line):
            written += os.write(self._file, line[written:])

    def close(self) -> None:
        os.close(self._file)
