from dataclasses import dataclass
from pathlib import Path
from typing import Final

DATABASES: Final = ("mongodb", "kafka")
SERVICES: Final = ("connector", "sync-worker", "availability")
ALL_PARTS: Final = (*DATABASES, "simulator", *SERVICES, "sign-in")


def is_database(process: str) -> bool:
    """Whether a process of this name is a database's; MongoDB's may have several, `mongodb-1` and so on."""
    return process.startswith(DATABASES)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a stack keeps what, below its data folder."""

    data: Path

    @property
    def state(self) -> Path:
        return self.data / "state.json"

    @property
    def lock(self) -> Path:
        return self.data / "lock"

    @property
    def env_file(self) -> Path:
        return self.data / "stack.env"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def connector_key(self) -> Path:
        return self.keys / "connector.key"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def part(self, name: str) -> Path:
        """Return a part's own folder."""
        return self.data / name

    def data_folders(self) -> list[Path]:
        """Return what holds data and keys."""
        return [*self.data.glob("mongodb*"), *map(self.part, ("kafka", "simulator", "keys"))]
