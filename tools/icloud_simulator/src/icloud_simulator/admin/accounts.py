"""Accounts and their passwords."""

from fastapi import APIRouter

from icloud_simulator import accounts
from icloud_simulator.accounts import NewAccount
from icloud_simulator.admin.context import Running, TheWorld
from icloud_simulator.admin.models import (
    AccountView,
    AccountWish,
    OpenedView,
    PartitionMove,
    PasswordView,
    PasswordWish,
    Revocation,
    StandingChange,
)
from icloud_simulator.state import Account
from icloud_simulator.world import World

router = APIRouter(tags=["accounts"])


def account_view(world: World, account: Account) -> AccountView:
    """Show an account without its passwords."""
    return AccountView(
        apple_id=account.apple_id,
        aliases=account.aliases,
        name=account.name,
        dsid=account.dsid,
        principal=account.principal,
        home=account.home,
        base=world.partition_base(account),
        partition=account.partition,
        locked=account.locked,
        calendar_enabled=account.calendar_enabled,
        app_passwords=len(account.app_passwords),
    )


@router.post("/accounts", status_code=201)
async def open_account(world: TheWorld, wish: AccountWish) -> OpenedView:
    """Open an account with one app-specific password."""
    opened = accounts.open_account(world, NewAccount(**wish.model_dump()))
    view = account_view(world, opened.account).model_dump()
    return OpenedView(**view, main_password=opened.main_password, app_password=opened.app_password)


@router.get("/accounts")
async def list_accounts(world: TheWorld) -> list[AccountView]:
    """List all accounts."""
    return [account_view(world, account) for account in world.state.accounts.values()]


@router.get("/accounts/{apple_id}")
async def show_account(world: TheWorld, apple_id: str) -> AccountView:
    """Show one account."""
    return account_view(world, world.account(apple_id))


@router.patch("/accounts/{apple_id}")
async def change_standing(world: TheWorld, apple_id: str, change: StandingChange) -> AccountView:
    """Lock or unlock an account, enable or disable its calendar."""
    account = accounts.change_standing(world, apple_id, locked=change.locked, calendar_enabled=change.calendar_enabled)
    return account_view(world, account)


@router.post("/accounts/{apple_id}/app-passwords", status_code=201)
async def issue_app_password(world: TheWorld, apple_id: str, wish: PasswordWish) -> PasswordView:
    """Hand out one more app-specific password."""
    return PasswordView(password=accounts.issue_app_password(world, apple_id, wish.label, wish.password))


@router.post("/accounts/{apple_id}/app-passwords/revoke")
async def revoke_app_password(world: TheWorld, apple_id: str, revocation: Revocation) -> int:
    """Revoke one app-specific password or all; answers how many."""
    return accounts.revoke_app_password(world, apple_id, revocation.password)


@router.put("/accounts/{apple_id}/main-password")
async def change_main_password(world: TheWorld, apple_id: str, wish: PasswordWish) -> PasswordView:
    """Change the Apple password, which revokes every app-specific one."""
    return PasswordView(password=accounts.change_main_password(world, apple_id, wish.password))


@router.post("/accounts/{apple_id}/partition")
async def move_partition(simulator: Running, apple_id: str, move: PartitionMove) -> AccountView:
    """Move an account to another partition host."""
    account = await simulator.move_partition(apple_id, move.base, move.old_host)
    return account_view(simulator.world, account)
