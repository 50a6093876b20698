"""What one appointment calls for, done in the linked calendar."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icloud import CalendarGone, CredentialsRejected, Forbidden, NotUnderstood, PreconditionFailed, TryLater
from sync_worker.application import metrics
from sync_worker.application.appointment_progress import Progress, Sight
from sync_worker.application.linked_calendar import WritesRefused
from sync_worker.application.take_away import ROUNDS, taken_away
from sync_worker.domain.appointment_text import Issue, Manner, text_of
from sync_worker.domain.appointments import uid_in, uid_of
from sync_worker.domain.exports import Copy, Do, Failure, Verdict, change_of, judged, planned
from sync_worker.domain.found import Found

LAG: Final = timedelta(seconds=30)
"""So long after a write iCloud may still show what was there before: nothing, or an older version of ours."""


class Work:
    """The work on one job; its progress says how far it has come, whatever is raised."""

    def __init__(self, sight: Sight, progress: Progress) -> None:
        self._sight = sight
        self._calendar = sight.calendar
        self._alarm = sight.claim.exports.alarm_minutes
        self._now = progress

    async def do(self) -> None:
        """Do what the job calls for. Raises what the calendar raises; the progress then holds what is to be kept."""
        now = self._now
        now.job, do = planned(now.job, self._calendar.path, self._alarm, self._sight.as_of)
        match do:
            case Do.NOTHING if now.job.agreed is None and (now.job.tries or now.job.change):
                # Who was told of a failure, or that the user took it away, is told that nothing of it is there.
                await self._remove()
            case Do.NOTHING:
                await now.settle()
            case Do.TELL:
                await now.say_again()
                await now.settle()
            case Do.REMOVE:
                await self._remove()
            case Do.WRITE:
                await self._write()
            case Do.LOOK:
                await self._look()
            case Do.GIVE_UP:
                await self._give_up()

    async def _write(self) -> None:
        path, fresh = self._calendar.path, self._now.job.copy is None
        copy = self._now.job.copy or Copy(path, f"{path}{uid_of(self._now.job.appointment_id, path)}.ics")
        etag, look = copy.etag, not fresh and copy.etag is None
        for _ in range(ROUNDS):
            if look:
                seen = await self._calendar.find(copy.href)
                if await self._is_dealt_with(seen, copy):
                    return
                etag = seen.etag if seen else None
            if etag is None:
                await self._now.begin(copy)
            try:
                told = await self._put(copy.href, etag, first=fresh and not look)
            except PreconditionFailed as failed:
                if failed.reason == Failure.UID_CONFLICT and not await self._room_was_made(copy.href):
                    raise
                look = True
            else:
                metrics.EXPORTED.labels("updated" if etag else "created").inc()
                await self._done(told or await self._etag(copy.href), written=True)
                return
        raise TryLater(None, "unsettled")

    async def _put(self, href: str, etag: str | None, *, first: bool) -> str | None:
        """Write it. A refusal says that nothing is there only of the `first` write: an earlier one may have arrived."""
        try:
            return await self._calendar.put(href, self._text(uid_in(href)), if_match=etag)
        except (CalendarGone, CredentialsRejected, Forbidden, NotUnderstood, WritesRefused) as refused:
            if first and (not isinstance(refused, NotUnderstood) or refused.reason == "object_refused"):
                self._now.job = replace(self._now.job, copy=None)
            raise

    async def _room_was_made(self, href: str) -> bool:
        """Take away what bears the UID in another calendar: the user moved it there, and CrocoClick's word is newer."""
        found = await self._calendar.elsewhere(href)
        if found is None:
            return False
        there, seen = found
        await self._calendar.delete(there, if_match=seen.etag)
        return True

    async def _is_dealt_with(self, seen: Found | None, copy: Copy) -> bool:
        """Whether what is there leaves nothing to write now; what there was to do instead is done."""
        verdict = judged(seen, self._now.job)
        if verdict is Verdict.FOREIGN:
            raise Forbidden("foreign")
        if verdict is Verdict.CHANGED:
            await self._changed(seen)
        elif verdict is Verdict.OURS and self._may_lag():
            await self._look_again()
        elif verdict is Verdict.AS_WANTED and seen and not self._rings_otherwise(copy):
            await self._done(seen.etag)
        else:
            return False
        return True

    def _may_lag(self) -> bool:
        """Whether what is wanted was written just now, so that anything older there is no news."""
        copy = self._now.job.copy
        written = copy is not None and copy.says is not None and copy.revision >= self._now.job.revision
        return written and copy is not None and self._sight.as_of - copy.at < LAG.total_seconds()

    async def _look_again(self) -> None:
        self._now.job = self._now.unsure()
        await self._now.keep(LAG)

    def _rings_otherwise(self, copy: Copy) -> bool:
        return copy.says is not None and copy.alarm_minutes != self._alarm

    def _text(self, uid: str) -> str:
        job, claim = self._now.job, self._sight.claim
        if job.agreed is None:
            raise TypeError("nothing is agreed on")
        # The moment goes with the text, not into its fingerprint: writing again says nothing new.
        issue = Issue(job.appointment_id, uid, job.revision, datetime.fromtimestamp(self._sight.as_of, UTC))
        return text_of(issue, job.agreed, Manner(ZoneInfo(claim.time_zone), self._alarm))

    async def _etag(self, href: str) -> str | None:
        """What the server did not tell of what was just written; None where it is not sure that it is that."""
        seen, agreed = await self._calendar.find(href), self._now.job.agreed
        return seen.etag if seen and agreed and seen.says == agreed.fingerprint else None

    async def _done(self, etag: str | None, *, written: bool = False) -> None:
        """The linked calendar shows it."""
        job, before = self._now.job, self._now.job.copy
        if job.agreed is None or before is None:
            raise TypeError("nothing was written")
        news = written or before.revision != job.revision or job.tries or job.change
        copy = replace(
            before,
            etag=etag,
            says=job.agreed.fingerprint,
            alarm_minutes=self._alarm,
            revision=job.revision,
            at=self._sight.as_of if written or not before.at else before.at,
            arrived=before.arrived or etag is not None,
        )
        if news:
            await self._now.say_exported()
        self._now.job = replace(job, copy=copy, change=None, tries=0)
        await self._now.settle()

    async def _look(self) -> None:
        copy = self._now.job.copy
        if copy is None:
            return
        seen = await self._calendar.find(copy.href)
        match judged(seen, self._now.job):
            case Verdict.AS_WANTED if seen:
                await self._done(seen.etag)
            case Verdict.ABSENT:
                self._now.job = replace(self._now.job, copy=None)
                await self._give_up()
            case Verdict.OURS if not self._now.job.users:
                await self._now.settle()
            case _:
                await self._changed(seen)

    async def _changed(self, seen: Found | None) -> None:
        """The user changed it: say so, once for each change, and leave it."""
        job, copy = self._now.job, self._now.job.copy
        if copy is None:
            raise TypeError("there was nothing to change")
        if seen is None and self._may_lag():
            await self._look_again()
            return
        moved = await self._calendar.elsewhere(copy.href) if seen is None else None
        if moved is not None:
            href, seen = moved
            copy = replace(copy, path=href.rpartition("/")[0] + "/", href=href)
        if job.tries or copy.revision < job.revision:
            # It was in the calendar as wanted, and that was told of an older revision, or a failure has been since.
            await self._now.say_exported(as_agreed=False)
        change = change_of(seen, job)
        if change != job.change:
            await self._now.say_changed(change)
        copy_now = replace(copy, etag=seen.etag, revision=job.revision) if seen else None
        self._now.job = replace(job, copy=copy_now, change=change, tries=0)
        await self._now.settle()

    async def _remove(self) -> None:
        """It was cancelled: take all of it away, whatever the user made of it."""
        job, stay = self._now.job, []
        for one in (job.copy, *job.left):
            again_in = await taken_away(self._calendar, one, self._sight.as_of) if one else None
            if one and again_in:
                stay.append((one, again_in))
        if not stay:
            await self._now.say_exported()
            job = replace(job, change=None, tries=0)
        left = tuple(one for one, _ in stay if one is not job.copy)
        self._now.job = replace(job, copy=job.copy if len(left) < len(stay) else None, left=left)
        await self._now.keep(min((again_in for _, again_in in stay), default=None))

    async def _give_up(self) -> None:
        """It is over, and never came into the calendar: only who was told that it would is told that it will not."""
        if self._now.job.tries:
            await self._now.say_passed()
        await self._now.settle()
