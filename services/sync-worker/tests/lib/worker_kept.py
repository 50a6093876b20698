"""The worker's objects in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sync_worker.application.claim import Claim, LeaseLost, State
from sync_worker.application.publish_states import last_said
from sync_worker.domain import outbox
from sync_worker.domain.bases import Basis, seen
from sync_worker.domain.outbox import Gone, Imported, Known, Refresh
from sync_worker.domain.room import taken_by_known
from worker_rows import Connection, Kept, Rows


class FakeObjects:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def known(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, Known]:
        return {one.event_id: one for one in self._of(claim) if one.event_id in event_ids}

    async def of_calendar(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        return [one for one in self._of(claim) if one.alive and one.calendar_id == calendar_id]

    async def living(self, claim: Claim, calendar_id: str) -> Sequence[str]:
        return [one.event_id for one in await self.of_calendar(claim, calendar_id)]

    async def count(self, claim: Claim, calendar_id: str) -> int:
        return len(await self.of_calendar(claim, calendar_id))

    async def taken(self, claim: Claim) -> int:
        return sum(taken_by_known(one) for one in self._of(claim))

    async def outdated(self, claim: Claim, calendar_id: str) -> Mapping[str, str]:
        of_calendar = await self.of_calendar(claim, calendar_id)
        return {one.href: one.etag for one in of_calendar if seen(one.basis, claim.bases) is not Basis.OURS}

    async def passed(self, claim: Claim, before: int, limit: int) -> Sequence[str]:
        alive = [one for one in self._of(claim) if one.alive and (not one.quarantine or one.is_crowded_out)]
        return [one.event_id for one in alive if one.extent and one.extent.end <= before][:limit]

    async def titled(self, claim: Claim, limit: int) -> Sequence[Imported]:
        states = [kept.state for kept in self._kept(claim)]
        return [one for one in states if isinstance(one, Imported) and one.content.title is not None][:limit]

    async def tied(self, claim: Claim) -> Sequence[Imported]:
        states = [kept.state for kept in self._kept(claim)]
        return [one for one in states if isinstance(one, Imported) and one.origin and one.origin.tied_to]

    async def quarantined(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        found = [one for one in self._of(claim) if one.quarantine and one.calendar_id == calendar_id]
        return sorted(found, key=lambda one: one.event_id)

    async def newest(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, outbox.State]:
        return {kept.state.event_id: kept.state for kept in self._kept(claim) if kept.state.event_id in event_ids}

    async def pending(self, claim: Claim, limit: int) -> Sequence[outbox.State]:
        waiting = [kept.state for kept in self._kept(claim) if kept.pending]
        return sorted(waiting, key=lambda state: isinstance(state, Gone))[:limit]

    async def remaining(self, claim: Claim, limit: int) -> Sequence[Known]:
        return self._of(claim)[:limit]

    async def write(self, claim: Claim, writes: Sequence[outbox.State | Refresh]) -> None:
        row = self._writable(claim, State.ACTIVE)
        row.claim = replace(row.claim, unpublished=True)
        states = [one for one in writes if not isinstance(one, Refresh)]
        row.last_said = last_said(states) if states else row.last_said
        for write in writes:
            kept = self._rows.objects.get(write.event_id)
            if not isinstance(write, Refresh):
                self._rows.objects[write.event_id] = Kept(claim.connection_id, write)
            elif kept is not None and isinstance(kept.state, Imported):
                kept.state = replace(
                    kept.state,
                    etag=write.etag,
                    basis=write.basis,
                    quarantine=write.quarantine,
                    origin=write.origin,
                )

    async def erase(self, claim: Claim, event_ids: Sequence[str]) -> None:
        self._writable(claim, State.ERASING)
        for one in [kept.state.event_id for kept in self._kept(claim) if kept.state.event_id in event_ids]:
            del self._rows.objects[one]

    async def mark(self, claim: Claim, published: Mapping[str, int]) -> Collection[str]:
        del claim
        overtaken = []
        for one, revision in published.items():
            kept = self._rows.objects.get(one)
            if kept is None or kept.state.revision != revision:
                overtaken.append(one)
            else:
                kept.pending = False
        return overtaken

    def _writable(self, claim: Claim, state: State) -> Connection:
        claim.lease.check()
        row = self._rows.held(claim)
        if row.claim.state is not state or row.claim.epoch != claim.epoch:
            raise LeaseLost
        return row

    def _kept(self, claim: Claim) -> list[Kept]:
        return [kept for kept in self._rows.objects.values() if kept.connection_id == claim.connection_id]

    def _of(self, claim: Claim) -> list[Known]:
        return [_known(kept.state) for kept in self._kept(claim)]


def _known(state: outbox.State) -> Known:
    if isinstance(state, Gone):
        return Known(
            event_id=state.event_id,
            calendar_id=state.calendar_id,
            href="",
            etag="",
            basis="",
            revision=state.revision,
            digest="",
            alive=False,
        )
    return Known(
        event_id=state.event_id,
        calendar_id=state.calendar_id,
        href=state.href,
        etag=state.etag,
        basis=state.basis,
        revision=state.revision,
        digest=state.digest,
        alive=True,
        extent=state.content.extent,
        horizon=state.horizon,
        quarantine=state.quarantine,
        origin=state.origin,
        own=any(group.facts.own_appointment for group in state.content.groups),
        occurrences=state.content.occurrences,
        was=state.was,
    )
