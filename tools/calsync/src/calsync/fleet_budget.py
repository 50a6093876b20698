"""How much is asked of Apple by all workers together, and a brake on it."""

from typing import Final

from calsync.audit import Deed, Entry, KeptAudit
from calsync.ends import End, Misuse
from calsync.session import Session
from calsync.settings import Store
from calsync.stores import stores
from runtime.clock import system_clock

FLEET: Final = {"_id": "fleet"}
_CONFIGURED = "CALSYNC_ICLOUD_REQUESTS_PER_SECOND"
MOST = 10_000


async def show(session: Session) -> End:
    """The limit that is set by hand, if any, and what the bucket holds."""
    async with stores(session.load(Store).mongo) as found:
        kept = await found.budgets.find_one(FLEET) or {}
        bucket = kept.get("icloud") or {}
        session.tell(
            limit_per_second=kept.get("limit"),
            requests_left=bucket.get("level"),
            last_drawn_at=bucket.get("at"),
            configured_per_second=session.environ.get(_CONFIGURED) or f"not told here ({_CONFIGURED} of the workers)",
        )
    return End.OK


async def limit(session: Session, per_second: float | None) -> End:
    """Slow all workers down to so many requests a second, within five seconds; None: what they are configured for."""
    if per_second is not None and not 0 <= per_second <= MOST:
        raise Misuse(f"A number of requests a second is expected, from 0 (none at all) to {MOST}.")
    async with stores(session.load(Store).mongo) as found:

        async def work(_: Entry) -> None:
            change = {"$unset": {"limit": ""}} if per_second is None else {"$set": {"limit": per_second}}
            await found.budgets.update_one(FLEET, change, upsert=per_second is not None)

        deed = Deed("budget clear" if per_second is None else "budget set", {"per_second": per_second})
        audit = KeptAudit(found.audit, system_clock, session.named)
        await session.change(audit, deed, _question(per_second), work)
    session.tell(limit_per_second=per_second, changed=True)
    return End.OK


def _question(per_second: float | None) -> str:
    if per_second is None:
        return "Let the workers ask Apple as often as they are configured for?"
    if per_second == 0:
        return "Stop all requests of the workers to Apple, until `calsync budget clear`?"
    return f"Let all workers together ask Apple at most {per_second:g} times a second, until `calsync budget clear`?"
