"""What readers are to have before they believe that a pass is complete."""

from dataclasses import replace

from contracts.events import CompletedSync
from sync_worker.app import Neighbours
from sync_worker.application.claim import Claim
from worker_crashes import Fate, Killed, deadly
from worker_examples import ics
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"


class Silent:
    """Completions of a process that dies before it tells them."""

    def add(self, completed: CompletedSync) -> None:
        del completed


async def test_whenever_a_process_dies_the_next_pass_names_what_was_said_last() -> None:
    died, at = True, 0
    while died:
        stage = await read()
        href = stage.icloud.calendar("home").put("a", ics("uid-a", TUESDAY))
        claim = await stage.claim()
        died = await dies(stage, claim, Fate(at))

        await stage.sync()

        last = stage.events.completed()[-1].last_event
        assert last is not None
        assert (last.event_id, last.revision, last.epoch) == (stage.id_of(href), 1, 1)
        at += 1
    assert at > 10


async def test_what_was_left_behind_before_a_reconnect_is_named_with_its_own_epoch() -> None:
    stage = await read()
    href = stage.icloud.calendar("home").put("a", ics("uid-a", TUESDAY))
    await stage.worker(silent(stage))(await stage.claim())

    await stage.follow(stage.icloud.calendar("home"), epoch=2)
    await stage.sync()

    completed = stage.events.completed()[-1]
    assert completed.epoch == 2
    assert completed.last_event is not None
    assert (completed.last_event.event_id, completed.last_event.epoch) == (stage.id_of(href), 1)


async def read() -> Stage:
    """A calendar that was read once."""
    stage = Stage()
    await stage.follow(stage.icloud.calendar("home"))
    await stage.sync()
    return stage


def silent(stage: Stage) -> Neighbours:
    return replace(stage.neighbours(), completions=Silent())


async def dies(stage: Stage, claim: Claim, fate: Fate) -> bool:
    """One pass of a process with this fate, which tells nobody that it was complete."""
    try:
        await stage.worker(deadly(silent(stage), fate))(claim)
    except Killed:
        await stage.store.leases().release([claim])
        return True
    return False
