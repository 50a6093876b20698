"""The shapes in MongoDB.

A connection's document holds its state, the announcements that wait (`pending`), and the revision up to which
announcements went out (`published`). A gravestone is the same document with everything personal gone.
"""

from datetime import datetime
from typing import Any, Final

from connector.domain.calendars import AllDayRule, Calendar, ConflictCalendar, Setup, WhenStale
from connector.domain.connection import (
    Access,
    Announcement,
    AppleAccount,
    Connection,
    Gravestone,
    News,
    Owner,
    Progress,
    Reading,
    State,
    Terms,
)

Document = dict[str, Any]

LIVING: Final = {"$in": [state.value for state in State]}
DISCONNECTED: Final = "disconnected"


def connection_document(connection: Connection) -> Document:
    """Everything but the outbox."""
    reading = connection.reading
    return {
        **_identity(connection.id, connection.owner, connection.epoch, connection.revision),
        "state": connection.state.value,
        "apple": {"fingerprint": connection.apple.fingerprint, "hint": connection.apple.hint},
        "terms": _terms_document(connection.terms),
        "news": connection.news.value,
        "changed_at": connection.changed_at,
        "created_at": connection.created_at,
        "sync": {"told": 0, "as_of": reading.as_of, "progress": _progress_document(reading.progress)},
        "calendars_told": connection.calendars_told,
    }


def connection_from(document: Document) -> Connection:
    """The living connection of a document."""
    apple, sync = document["apple"], document["sync"]
    return Connection(
        id=document["_id"],
        owner=_owner_from(document),
        apple=AppleAccount(apple["fingerprint"], apple["hint"]),
        terms=_terms_from(document["terms"]),
        epoch=document["epoch"],
        revision=document["revision"],
        news=News(document["news"]),
        changed_at=document["changed_at"],
        created_at=document["created_at"],
        state=State(document["state"]),
        reading=Reading(sync["as_of"], Progress(**sync["progress"]) if sync["progress"] else None),
        calendars_told=document["calendars_told"],
    )


def gravestone_document(grave: Gravestone) -> Document:
    """Everything but the outbox."""
    return {
        **_identity(grave.id, grave.owner, grave.epoch, grave.revision),
        "state": DISCONNECTED,
        "changed_at": grave.ended_at,
    }


def newest_from(document: Document) -> Announcement:
    """What the newest revision of a living or ended connection tells."""
    if document["state"] != DISCONNECTED:
        return connection_from(document).announcement()
    return Gravestone(
        document["_id"], _owner_from(document), document["epoch"], document["revision"], document["changed_at"]
    ).announcement()


def pending_document(announcement: Announcement) -> Document:
    """An announcement as it waits within its connection's document."""
    return {
        "epoch": announcement.epoch,
        "revision": announcement.revision,
        "news": announcement.news.value,
        "at": announcement.at,
        "terms": None if announcement.terms is None else _terms_document(announcement.terms),
    }


def pending_from(document: Document) -> tuple[Announcement, ...]:
    """The announcements that wait in a document, oldest first."""
    owner = _owner_from(document)
    several = (
        Announcement(
            document["_id"],
            owner,
            epoch=one["epoch"],
            revision=one["revision"],
            news=News(one["news"]),
            at=one["at"],
            terms=None if one["terms"] is None else _terms_from(one["terms"]),
        )
        for one in document["pending"]
    )
    return tuple(sorted(several, key=lambda announcement: announcement.revision))


def sync_changes(*, as_of: datetime | None = None, progress: Progress | None = None) -> Document:
    """Changes of a document's reading; an age once known is kept until a newer one."""
    changes: Document = {"sync.progress": _progress_document(progress)}
    return changes if as_of is None else changes | {"sync.as_of": as_of}


def _identity(connection_id: str, owner: Owner, epoch: int, revision: int) -> Document:
    return {
        "_id": connection_id,
        "account_id": owner.account_id,
        "user_id": owner.user_id,
        "epoch": epoch,
        "revision": revision,
    }


def _owner_from(document: Document) -> Owner:
    return Owner(document["account_id"], document["user_id"])


def _progress_document(progress: Progress | None) -> Document | None:
    return None if progress is None else {"imported": progress.imported, "total": progress.total}


def _terms_document(terms: Terms) -> Document:
    setup = terms.setup
    return {
        "access": terms.access.value,
        "time_zone": terms.time_zone,
        "calendars": [
            {
                "id": c.id,
                "name": c.name,
                "color": c.color,
                "writable": c.writable,
                "supported": c.supported,
                "reason": c.reason,
                "shared": c.shared,
            }
            for c in terms.calendars
        ],
        "setup": {
            "conflict_calendars": [{"id": c.id, "all_day": c.all_day.value} for c in setup.conflict_calendars],
            "linked_calendar_id": setup.linked_calendar_id,
            "titles": setup.titles,
            "when_stale": setup.when_stale.value,
        },
    }


def _terms_from(document: Document) -> Terms:
    setup = document["setup"]
    return Terms(
        Access(document["access"]),
        document["time_zone"],
        tuple(Calendar(**one) for one in document["calendars"]),
        Setup(
            tuple(ConflictCalendar(c["id"], AllDayRule(c["all_day"])) for c in setup["conflict_calendars"]),
            setup["linked_calendar_id"],
            titles=setup["titles"],
            when_stale=WhenStale(setup["when_stale"]),
        ),
    )
