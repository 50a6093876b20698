"""Faults in action: answers instead of the right one, and right ones spoilt."""

from dataclasses import replace

from icloud_simulator.exchange import Answer, Delivery, Request, Visit, empty, multistatus
from icloud_simulator.faults import ActiveFaults, Knobs
from icloud_simulator.places import What, place

_HTML = b"<!DOCTYPE html>\n<html><head><title>iCloud</title></head><body><p>Please try again later.</p></body></html>\n"
_MULTISTATUS = 207
_REALM = 'realm="MMCalDav"'
_BASIC, _TOKEN = f"Basic {_REALM}", f"X-MobileMe-AuthToken {_REALM}"


def unauthorized(knobs: Knobs, partition: int) -> Answer:
    """Answer 401 in Apple's shape: no body, two challenges of which only Basic can be met."""
    challenges = (_TOKEN + ", " + _BASIC,) if knobs.joined_challenges else (_BASIC, _TOKEN)
    headers = tuple(("www-authenticate", challenge) for challenge in challenges)
    return empty(401, *headers, ("x-apple-user-partition", str(partition)))


def before(faults: ActiveFaults, request: Request, *, entry: bool, now: float) -> Answer | None:
    """Return what happens before the server even looks at a request; None: nothing does."""
    throttle = faults.knobs.throttle
    if throttle is not None and faults.bucket is not None and not faults.bucket.admits(throttle, now):
        return _refused("throttle", throttle.status, throttle.retry_after)
    return _by_chance(faults) if faults.concern(request.method, entry=entry) else None


def _by_chance(faults: ActiveFaults) -> Answer | None:
    knobs = faults.knobs
    if faults.hits(knobs.reset):
        return Answer(503, delivery=Delivery(reset=True), fault="reset")
    for status, chance in knobs.errors.items():
        if faults.hits(chance):
            return _refused("errors", status, knobs.retry_after)
    if faults.hits(knobs.unauthorized):
        return replace(unauthorized(knobs, 42), fault="unauthorized")
    if faults.hits(knobs.html):
        return Answer(200, _HTML, (("content-type", "text/html; charset=utf-8"),), fault="html")
    return None


def after(visit: Visit, answer: Answer, *, entry: bool) -> Answer:
    """Return an answer as it arrives: spoilt where the faults say so, else the very same."""
    faults = visit.faults
    if not faults.concern(visit.request.method, entry=entry):
        return answer
    where = place(visit.request.path)
    if where is not None and where.what is What.HOME and faults.hits(faults.knobs.home_missing):
        return replace(empty(404), fault="home_missing")
    lists = where is not None and where.what in {What.HOME, What.CHILD}
    if lists and answer.status == _MULTISTATUS and answer.items is not None:
        answer = _thinned(faults, answer)
    return _spoilt(faults, answer) if answer.body else answer


def _thinned(faults: ActiveFaults, answer: Answer) -> Answer:
    knobs = faults.knobs
    if faults.hits(knobs.empty_multistatus):
        return replace(multistatus((), token=answer.token), fault="empty_multistatus")
    if knobs.dropped_responses:
        kept = tuple(item for item in answer.items or () if not faults.hits(knobs.dropped_responses))
        return replace(multistatus(kept, token=answer.token), fault="dropped_responses")
    return answer


def _spoilt(faults: ActiveFaults, answer: Answer) -> Answer:
    knobs = faults.knobs
    if faults.hits(knobs.truncated):
        return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers, fault="truncated")
    if faults.hits(knobs.cut):
        delivery = Delivery(cut=True)
        return Answer(answer.status, answer.body, answer.headers, delivery=delivery, fault="cut")
    if knobs.bytes_per_second is not None:
        delivery = Delivery(bytes_per_second=knobs.bytes_per_second)
        return Answer(answer.status, answer.body, answer.headers, delivery=delivery, fault="bytes_per_second")
    return answer


def _refused(fault: str, status: int, retry_after: str | None) -> Answer:
    headers = () if retry_after is None else (("retry-after", retry_after),)
    return Answer(status, b"", headers, fault=fault)
