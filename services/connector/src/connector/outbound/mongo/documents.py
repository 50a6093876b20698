"""The shapes in MongoDB.

A connection's document holds its state, the announcements that wait (`pending`), and the revision up to which
announcements went out (`published`). A gravestone is the same document with everything personal gone.
"""

from datetime import timedelta
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
    State,
    Terms,
)
from connector.outbound.mongo.readings import reading_from, sync_document
from runtime import tracing
from runtime.documents import made_of

Document = dict[str, Any]

DISCONNECTED: Final = "disconnected"
LIVING: Final = {"$in": [state.value for state in State]}
FORGOTTEN_AFTER: Final = timedelta(days=7)
"""A consumer away for six days (our promise to them) still finds the end of a connection on its topic.

By time and not by word: whoever reads the topic erases for themselves, and nobody knows all of them. Those who read it
later find the tombstone, which means the same.
"""


def connection_document(connection: Connection) -> Document:
    """Everything but the outbox."""
    return {
        **_identity(connection.id, connection.owner, connection.epoch, connection.revision),
        "state": connection.state.value,
        "apple": {
            "fingerprint": connection.apple.fingerprint,
            "hint": connection.apple.hint,
            "remembered": connection.apple.remembered,
        },
        "terms": _terms_document(connection.terms),
        "news": connection.news.value,
        "changed_at": connection.changed_at,
        "created_at": connection.created_at,
        "sync": sync_document(connection.reading),
        "calendars_told": connection.calendars_told,
        "chosen_from": None if connection.chosen_from is None else sorted(connection.chosen_from),
    }


def connection_from(document: Document) -> Connection:
    """The living connection of a document."""
    apple, seen = document["apple"], document.get("chosen_from")
    return Connection(
        id=document["_id"],
        owner=_owner_from(document),
        apple=AppleAccount(apple["fingerprint"], apple["hint"], apple.get("remembered")),
        terms=_terms_from(document["terms"]),
        epoch=document["epoch"],
        revision=document["revision"],
        news=News(document["news"]),
        changed_at=document["changed_at"],
        created_at=document["created_at"],
        state=State(document["state"]),
        reading=reading_from(document["sync"]),
        calendars_told=document["calendars_told"],
        chosen_from=None if seen is None else frozenset(seen),
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
        **tracing.noted(),
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
            trace=one.get(tracing.FIELD),
        )
        for one in document["pending"]
    )
    return tuple(sorted(several, key=lambda announcement: announcement.revision))


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
            "conflict_calendars": [
                {"id": c.id, "all_day": c.all_day.value, "since": c.since} for c in setup.conflict_calendars
            ],
            "linked_calendar_id": setup.linked_calendar_id,
            "titles": setup.titles,
            "when_stale": setup.when_stale.value,
            "alarm_minutes": setup.alarm_minutes,
        },
    }


def _terms_from(document: Document) -> Terms:
    setup = document["setup"]
    return Terms(
        Access(document["access"]),
        document["time_zone"],
        tuple(made_of(Calendar, one) for one in document["calendars"]),
        Setup(
            tuple(
                ConflictCalendar(c["id"], AllDayRule(c["all_day"]), c.get("since", 0))
                for c in setup["conflict_calendars"]
            ),
            setup["linked_calendar_id"],
            titles=setup["titles"],
            when_stale=WhenStale(setup["when_stale"]),
            alarm_minutes=setup.get("alarm_minutes"),
        ),
    )
