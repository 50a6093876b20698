"""Whose time news change."""

from collections.abc import Sequence

from availability.application.timeline import Timeline
from availability.domain.users import User
from contracts.events import Event
from contracts.wire import Tombstone


async def concerned(timeline: Timeline, news: Sequence[Event | Tombstone]) -> set[User]:
    """The users whose time the news change once they are written; let it be rechecked then.

    A tombstone names nobody, and once it is written nobody knows whose it was. So those of tombstones are rechecked
    here as well: who dies after the write finds nobody when the news come again.
    """
    named = {User(piece.account_id, piece.user_id) for piece in news if not isinstance(piece, Tombstone)}
    others = await timeline.whose([piece.key for piece in news if isinstance(piece, Tombstone)])
    await timeline.recheck(others)
    return {*named, *others}
