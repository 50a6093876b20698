"""Appointments as documents, and back."""

from dataclasses import asdict

from icloud import event_id
from runtime.documents import made_of
from sync_worker.application.claim import Claim
from sync_worker.domain.appointments import Agreed
from sync_worker.domain.exports import Change, ChangeKind, Copy, Job
from sync_worker.domain.values import Span
from sync_worker.outbound.mongo.collections import Document


def agreed_fields(agreed: Agreed | None) -> Document:
    """What is wanted; a cancelled one loses its words."""
    if agreed is None:
        return {"title": None, "location": None, "notes": None, "start": None, "end": None}
    return {
        "title": agreed.title,
        "location": agreed.location,
        "notes": agreed.notes,
        "start": agreed.span.start,
        "end": agreed.span.end,
    }


def progress_fields(claim: Claim, job: Job) -> Document:
    """How far it has come; None: the field goes."""
    change = job.change
    return {
        "connection_id": claim.connection_id,
        "copy": copy_document(claim, job.copy) if job.copy else None,
        "left": [copy_document(claim, one) for one in job.left] or None,
        "change": _change_document(change) if change else None,
    }


def copy_document(claim: Claim, copy: Copy) -> Document:
    """A copy, findable by the calendar object that it is."""
    return {**asdict(copy), "event_id": event_id(claim.connection_id, copy.href)}


def job_from(document: Document, claim: Claim) -> Job:
    """The job as the claim's connection sees it: what another one wrote is none of its business."""
    mine = document if document.get("connection_id") == claim.connection_id else {}
    copy, change = mine.get("copy"), mine.get("change")
    return Job(
        appointment_id=document["_id"],
        revision=document["revision"],
        agreed=_agreed_from(document),
        copy=_copy_from(copy) if copy else None,
        left=tuple(_copy_from(one) for one in mine.get("left") or ()),
        change=_change_from(change) if change else None,
        tries=document.get("tries", 0),
    )


def span_from(document: Document) -> Span | None:
    """When it takes place; None for one that was cancelled."""
    return None if document.get("start") is None else Span(document["start"], document["end"])


def _agreed_from(document: Document) -> Agreed | None:
    span = span_from(document)
    return Agreed(span, document["title"], document["location"], document["notes"]) if span else None


def _copy_from(document: Document) -> Copy:
    return made_of(Copy, document)


def _change_document(change: Change) -> Document:
    span = [change.span.start, change.span.end] if change.span else None
    return {"revision": change.revision, "kind": change.kind.value, "says": change.says, "span": span}


def _change_from(document: Document) -> Change:
    span = document["span"]
    kind = ChangeKind(document["kind"])
    return Change(document["revision"], kind, document["says"], Span(*span) if span else None)
