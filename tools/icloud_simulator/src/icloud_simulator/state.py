"""What is true now: accounts, their homes, collections, invitations. Made of facts and of nothing else."""

from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from typing import Any

from icloud_simulator.collection import Collection
from icloud_simulator.facts import (
    Access,
    AccountOpened,
    AppPasswordIssued,
    AppPasswordRevoked,
    ClockMoved,
    CollectionMade,
    Fact,
    FaultsSet,
    InvitationSent,
    Kind,
    MainPasswordChanged,
    Mounted,
    ObjectWritten,
    OldHost,
    PartitionMoved,
    Redecorated,
    StandingChanged,
    TokensExpired,
    Trace,
    Unmounted,
)


@dataclass(frozen=True, slots=True)
class Mount:
    """A collection as it stands in one home."""

    dsid: str
    path_id: str
    kind: Kind
    access: Access
    name: str
    color: str | None
    source: str | None
    collection: Collection

    @property
    def path(self) -> str:
        return f"/{self.dsid}/calendars/{self.path_id}/"

    @property
    def writable(self) -> bool:
        return self.access is not Access.READ_ONLY and self.kind in {Kind.CALENDAR, Kind.REMINDERS}


@dataclass(slots=True)
class Account:
    """One Apple account. `layout` grows whenever a calendar comes, goes or looks different."""

    dsid: str
    apple_id: str
    name: str
    aliases: tuple[str, ...]
    main_digest: str
    partition: int
    partition_base: str | None = None
    former_hosts: dict[str, OldHost] = field(default_factory=dict)
    locked: bool = False
    calendar_enabled: bool = True
    app_passwords: dict[str, str] = field(default_factory=dict)  # digest: label
    mounts: dict[str, Mount] = field(default_factory=dict)
    layout: int = 0
    answers: dict[object, Any] = field(default_factory=dict)  # home listings, ready until something changes

    @property
    def home(self) -> str:
        return f"/{self.dsid}/calendars/"

    @property
    def principal(self) -> str:
        return f"/{self.dsid}/principal/"

    def changed(self) -> None:
        """Forget what was prepared of the home."""
        self.answers.clear()


class State:
    """Applies facts. The same facts in the same order always make the same state."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.dsid_by_login: dict[str, str] = {}
        self.collections: dict[str, Collection] = {}
        self.homes: dict[str, set[str]] = {}  # cid: the accounts that have it
        self.invitations: list[InvitationSent] = []
        self.faults: dict[str, dict[str, Any]] = {}
        self.clock_offset = 0.0
        self.last_stamp = 0

    def login(self, user: str) -> Account | None:
        """Find the account that somebody signs in to, by Apple ID or alias, whatever the case."""
        return self.accounts.get(self.dsid_by_login.get(user.lower(), ""))

    def _collection_changed(self, cid: str, stamp: int = 0) -> None:
        self.last_stamp = max(self.last_stamp, stamp)
        for dsid in self.homes.get(cid, ()):
            self.accounts[dsid].changed()

    @singledispatchmethod
    def apply(self, fact: Fact) -> None:
        """Make a fact true."""
        raise TypeError(type(fact).__name__)

    @apply.register
    def _(self, fact: AccountOpened) -> None:
        self.accounts[fact.dsid] = Account(
            fact.dsid, fact.apple_id, fact.name, fact.aliases, fact.main_digest, fact.partition
        )
        for login in (fact.apple_id, *fact.aliases):
            self.dsid_by_login[login] = fact.dsid

    @apply.register
    def _(self, fact: StandingChanged) -> None:
        account = self.accounts[fact.dsid]
        account.locked, account.calendar_enabled = fact.locked, fact.calendar_enabled

    @apply.register
    def _(self, fact: PartitionMoved) -> None:
        account = self.accounts[fact.dsid]
        account.partition, account.partition_base = fact.partition, fact.base
        account.former_hosts[fact.old_host] = OldHost(fact.old_answers)
        account.former_hosts.pop(fact.new_host, None)

    @apply.register
    def _(self, fact: AppPasswordIssued) -> None:
        self.accounts[fact.dsid].app_passwords[fact.digest] = fact.label

    @apply.register
    def _(self, fact: AppPasswordRevoked) -> None:
        self.accounts[fact.dsid].app_passwords.pop(fact.digest, None)

    @apply.register
    def _(self, fact: MainPasswordChanged) -> None:
        account = self.accounts[fact.dsid]
        account.main_digest = fact.digest
        account.app_passwords.clear()

    @apply.register
    def _(self, fact: CollectionMade) -> None:
        self.collections[fact.cid] = Collection(fact.cid, fact.at)

    @apply.register
    def _(self, fact: Mounted) -> None:
        account = self.accounts[fact.dsid]
        account.mounts[fact.path_id] = Mount(
            fact.dsid,
            fact.path_id,
            Kind(fact.kind),
            Access(fact.access),
            fact.name,
            fact.color,
            fact.source,
            self.collections[fact.cid],
        )
        account.layout += 1
        self.homes.setdefault(fact.cid, set()).add(fact.dsid)
        self._collection_changed(fact.cid)

    @apply.register
    def _(self, fact: Unmounted) -> None:
        account = self.accounts[fact.dsid]
        gone = account.mounts.pop(fact.path_id).collection
        cid = gone.cid
        account.layout += 1 + gone.revision  # the home's ctag counts revisions, and never goes back
        self._collection_changed(cid)
        self.homes[cid].discard(fact.dsid)

    @apply.register
    def _(self, fact: Redecorated) -> None:
        account = self.accounts[fact.dsid]
        mount = account.mounts[fact.path_id]
        account.mounts[fact.path_id] = replace(mount, name=fact.name, color=fact.color)
        account.layout += 1
        account.changed()

    @apply.register
    def _(self, fact: ObjectWritten) -> None:
        self.collections[fact.cid].write(fact)
        if fact.trace == Trace.UNNOTICED:
            self.last_stamp = max(self.last_stamp, fact.stamp)
        else:
            self._collection_changed(fact.cid, fact.stamp)

    @apply.register
    def _(self, fact: TokensExpired) -> None:
        self.collections[fact.cid].expire_tokens(fact)
        self._collection_changed(fact.cid, fact.stamp)

    @apply.register
    def _(self, fact: InvitationSent) -> None:
        self.invitations.append(fact)

    @apply.register
    def _(self, fact: ClockMoved) -> None:
        self.clock_offset = fact.offset

    @apply.register
    def _(self, fact: FaultsSet) -> None:
        self.faults[fact.dsid] = fact.knobs
