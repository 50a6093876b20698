"""Apple accounts: opening them, their passwords, where they live."""

import secrets
from dataclasses import dataclass

from icloud_simulator.facts import (
    Access,
    AccountOpened,
    AppPasswordIssued,
    AppPasswordRevoked,
    CollectionMade,
    Fact,
    Kind,
    MainPasswordChanged,
    Mounted,
    OldHost,
    PartitionMoved,
    StandingChanged,
)
from icloud_simulator.secrets_of_accounts import digest, new_app_password, new_main_password
from icloud_simulator.state import Account
from icloud_simulator.world import Taken, Unknown, World

_BESIDE_CALENDARS = ((Kind.INBOX, "inbox"), (Kind.OUTBOX, "outbox"), (Kind.NOTIFICATION, "notification"))
_DEFAULT_CALENDARS = (
    (Kind.CALENDAR, "home", "Home", "#1BADF8FF"),
    (Kind.CALENDAR, "work", "Work", "#CC73E1FF"),
    (Kind.REMINDERS, "tasks", "Reminders", "#63DA38FF"),
)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account shall be; what is None is invented."""

    apple_id: str | None = None
    main_password: str | None = None
    app_password: str | None = None
    name: str = "Apple User"
    aliases: tuple[str, ...] = ()
    dsid: str | None = None
    partition: int | None = None
    default_calendars: bool = True


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """An account with the two passwords that only its maker sees."""

    account: Account
    main_password: str
    app_password: str


def open_account(world: World, wish: NewAccount) -> OpenedAccount:
    """Make an account with the default calendars and one app-specific password. Raises Taken."""
    dsid = wish.dsid or str(secrets.randbelow(90_000_000) + 10_000_000)
    apple_id = (wish.apple_id or f"user.{dsid}@icloud.com").lower()
    aliases = tuple(alias.lower() for alias in wish.aliases)
    logins = {apple_id, *aliases}
    if logins & world.state.dsid_by_login.keys() or dsid in world.state.accounts:
        raise Taken("account")
    main_password = wish.main_password or new_main_password()
    app_password = wish.app_password or new_app_password()
    partition = wish.partition if wish.partition is not None else int(dsid) % 180 + 1
    calendars = _DEFAULT_CALENDARS if wish.default_calendars else ()
    world.commit(
        AccountOpened(dsid, apple_id, wish.name, aliases, digest(dsid, main_password), partition),
        AppPasswordIssued(dsid, digest(dsid, app_password), "first"),
        *(
            fact
            for kind, path_id, name, color in calendars
            for fact in _made(world, dsid, path_id, (kind, name, color))
        ),
        *(fact for kind, path_id in _BESIDE_CALENDARS for fact in _made(world, dsid, path_id, (kind, path_id, None))),
    )
    return OpenedAccount(world.state.accounts[dsid], main_password, app_password)


def _made(world: World, dsid: str, path_id: str, looks: tuple[Kind, str, str | None]) -> tuple[Fact, Fact]:
    cid = secrets.token_hex(16)
    kind, name, color = looks
    made = CollectionMade(cid, world.clock.now())
    return made, Mounted(dsid, path_id, cid, kind, Access.OWNER, name, color, None)


def issue_app_password(world: World, apple_id: str, label: str = "", password: str | None = None) -> str:
    """Hand out one more app-specific password."""
    account = world.account(apple_id)
    password = password or new_app_password()
    world.commit(AppPasswordIssued(account.dsid, digest(account.dsid, password), label))
    return password


def revoke_app_password(world: World, apple_id: str, password: str | None) -> int:
    """Revoke one app-specific password, or all with None. Returns how many; raises Unknown for a strange one."""
    account = world.account(apple_id)
    gone = list(account.app_passwords) if password is None else [digest(account.dsid, password)]
    if not account.app_passwords.keys() >= set(gone):
        raise Unknown("app-specific password")
    world.commit(*(AppPasswordRevoked(account.dsid, item) for item in gone))
    return len(gone)


def change_main_password(world: World, apple_id: str, password: str | None) -> str:
    """Change the Apple password: every app-specific one is revoked. Returns the new one."""
    account = world.account(apple_id)
    password = password or new_main_password()
    world.commit(MainPasswordChanged(account.dsid, digest(account.dsid, password)))
    return password


def opens(account: Account, password: str) -> bool:
    """Tell whether a password signs in to CalDAV: app-specific ones do, the main one never."""
    return digest(account.dsid, password) in account.app_passwords


def change_standing(world: World, apple_id: str, *, locked: bool | None, calendar_enabled: bool | None) -> Account:
    """Lock or unlock, enable or disable the calendar; None leaves as is."""
    account = world.account(apple_id)
    world.commit(
        StandingChanged(
            account.dsid,
            account.locked if locked is None else locked,
            account.calendar_enabled if calendar_enabled is None else calendar_enabled,
        )
    )
    return account


def move_partition(world: World, apple_id: str, *, base: str, old_host: OldHost) -> Account:
    """Move an account to the partition at `base` (scheme, host, port), and say what the old one does then."""
    account = world.account(apple_id)
    old, new = (url.partition("://")[2] for url in (world.partition_base(account), base))
    partition = account.partition % 180 + 1
    world.commit(PartitionMoved(account.dsid, partition, base, new, old, old_host))
    return account
