"""What the workers report, on a connection in memory."""

from dataclasses import replace

from connector.domain.connection import Connection, State
from connector.domain.reading import Reading
from connector.domain.sync import Held, Importing, Read, Refused, Report, Settled, Unreadable


def kind_of(report: Report) -> str:
    """Of each kind the newest counts."""
    match report:
        case Read() | Importing() | Refused():
            return "reading"
        case Held(removals=removals):
            return f"held {removals.calendar_id}"
        case Settled(calendar_id=calendar_id):
            return f"held {calendar_id}"
        case Unreadable(quarantined=quarantined):
            return f"quarantined {quarantined.calendar_id}"


def told_by(connection: Connection, report: Report) -> Connection:
    """The connection after the report."""
    now = connection.reading
    match report:
        case Read(as_of=as_of, behind=behind, setup_revision=setup_revision):
            read = Reading(report.oldest or now.as_of, None, as_of, setup_revision, behind, now.held, now.quarantined)
            return replace(connection, state=State.CONNECTED, reading=read)
        case Importing(progress=progress):
            return replace(connection, reading=replace(now, progress=progress))
        case Refused(since=since, as_of=as_of):
            reading = replace(now, progress=None, refused_since=since, looked_at=as_of or now.looked_at)
            return replace(connection, state=State.NEEDS_RECONNECT, reading=reading)
        case Held(removals=removals):
            others = tuple(one for one in now.held if one.calendar_id != removals.calendar_id)
            return replace(connection, reading=replace(now, held=(*others, removals)))
        case Settled(calendar_id=calendar_id):
            others = tuple(one for one in now.held if one.calendar_id != calendar_id)
            return replace(connection, reading=replace(now, held=others))
        case Unreadable(quarantined=said):
            rest = tuple(one for one in now.quarantined if one.calendar_id != said.calendar_id)
            return replace(connection, reading=replace(now, quarantined=(*rest, said) if said.count else rest))
