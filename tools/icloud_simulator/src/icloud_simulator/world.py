"""The simulated iCloud: state, clock and journal, changed through facts alone."""

from dataclasses import dataclass, field

from icloud_simulator.clock import MovableClock
from icloud_simulator.facts import ClockMoved, Fact
from icloud_simulator.journal import Journal, NoJournal
from icloud_simulator.state import Account, Mount, State


class Unknown(LookupError):
    """There is no such account, calendar or object."""


class Taken(ValueError):
    """Such an account or calendar exists already."""


@dataclass(slots=True)
class World:
    """Every change goes through `commit`, which keeps and applies facts together."""

    journal: Journal = field(default_factory=NoJournal)
    clock: MovableClock = field(default_factory=MovableClock)
    state: State = field(default_factory=State)
    default_partition_base: str = "http://localhost"

    def wake(self) -> None:
        """Take in what the journal holds."""
        for fact in self.journal.read():
            self.state.apply(fact)
        self.clock.offset = self.state.clock_offset

    def commit(self, *facts: Fact) -> None:
        """Make facts true and durable, all or none."""
        if facts:
            self.journal.write(facts)
        for fact in facts:
            self.state.apply(fact)

    def next_stamp(self) -> int:
        """Return a moment in milliseconds for an ETag: now, but later than every one before."""
        return max(int(self.clock.now() * 1000), self.state.last_stamp + 1)

    def move_clock(self, offset: float) -> None:
        """Let the simulated clock run `offset` seconds ahead of the machine's."""
        self.commit(ClockMoved(offset))
        self.clock.offset = offset

    def account(self, apple_id: str) -> Account:
        """Return an account by Apple ID or alias. Raises Unknown."""
        account = self.state.login(apple_id)
        if account is None:
            raise Unknown("account")
        return account

    def mount(self, apple_id: str, path_id: str) -> Mount:
        """Return a child of an account's home. Raises Unknown."""
        mount = self.account(apple_id).mounts.get(path_id)
        if mount is None:
            raise Unknown("calendar")
        return mount

    def partition_base(self, account: Account) -> str:
        """Return scheme, host and port where an account lives now."""
        base = account.partition_base or self.default_partition_base
        return base.replace("{nn}", f"{account.partition:02d}")
