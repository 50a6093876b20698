"""After a restore: what Kafka's readers have seen since the backup does not make them deaf to what comes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from tools.calsync.tests.restoring import Reader, applied, backup, erased, looked, started, states_of
from tools.calsync.tests.world import LONG_AGO, Client, Kept, World

from connector.outbound.kafka import event_of
from connector_examples import connection
from contracts.events import (
    CalendarConnected,
    CalendarDisconnected,
    CalendarReconnected,
    CalendarSetupChanged,
    ICloudEventImported,
    ICloudEventRemoved,
    RemovalReason,
)
from contracts.wire import encode, tombstone
from icloud.credentials import Binding, Envelope, Opener, Signer, Signers, new_signing_pair
from sync_worker.outbound.mongo import MongoLeases
from sync_worker.outbound.vault import Vault

pytestmark = pytest.mark.servers
AFTER: Final = LONG_AGO + timedelta(days=1)


def tell(world: World, *events: ICloudEventImported | ICloudEventRemoved | CalendarSetupChanged) -> None:
    """Kafka and availability hear it."""
    world.publish([encode(one, source="tests", time=AFTER) for one in events])
    removed = [one for one in events if isinstance(one, ICloudEventRemoved)]
    world.publish([tombstone(one, source="tests", time=AFTER) for one in removed])
    applied(world, *events)


def removal_of(said: ICloudEventImported) -> ICloudEventRemoved:
    return ICloudEventRemoved(
        **said.model_dump(include={"account_id", "user_id", "connection_id", "epoch", "event_id", "calendar_id"}),
        revision=said.revision + 1,
        as_of=said.as_of,
        reason=RemovalReason.DELETED,
    )


def setup_since(kept: Kept) -> CalendarSetupChanged:
    """What the user chose after the backup."""
    said = event_of(connection(kept.id, kept.owner).announcement())
    assert isinstance(said, CalendarConnected)
    choice = said.setup.model_copy(update={"titles": True})
    return CalendarSetupChanged(**said.model_dump(exclude={"setup", "revision"}), setup=choice, revision=9)


def test_a_reader_who_had_seen_more_than_the_backup_believes_what_comes_after(world: World) -> None:
    kept = world.connected(told=True)
    same, moved, gone = (world.events[one] for one in kept.events)
    kept_same, kept_moved, _ = states_of(world, kept)
    backed_up = backup(world)
    came, went = (replace(kept_moved, event_id=uuid4().hex[:24], href=f"/p/{n}.ics") for n in range(2))
    in_2026 = {one: same.model_copy(update={"event_id": one.event_id, "revision": 7}) for one in (came, went)}
    tell(world, moved.model_copy(update={"revision": 50}), removal_of(gone), *in_2026.values(), setup_since(kept))
    reader = Reader(world.kafka, frozenset({kept.id, *kept.events, came.event_id, went.event_id}))
    reader.reads()
    backed_up.restore()

    planned = world.calsync("connection", "renew", kept.id, "--dry-run", "--json")
    untouched = world.find("connector", "connections", {"_id": kept.id})
    renewed = world.calsync("connection", "renew", kept.id, "--yes", "--json")
    again = world.calsync("connection", "renew", kept.id, "--yes", "--json")
    standing = started(world, kept.id)
    too_early = world.calsync("connection", "renew", kept.id, "--what", "events", "--yes", "--json")
    claim = looked(world, kept, [kept_same, replace(kept_moved, digest="moved"), replace(came, digest="came")])
    believed = reader.reads()
    rest = world.calsync("connection", "renew", kept.id, "--what", "events", "--yes", "--json")
    looked(world, kept, [kept_same, replace(kept_moved, digest="moved"), replace(came, digest="came")])

    row = {"connection_id": kept.id, "account_id": kept.owner.account_id, "user_id": kept.owner.user_id}
    assert planned.json["to_change"] == [row | {"epoch": 1, "new_epoch": 2, "reconnected_since": False}]
    assert (planned.code, untouched["epoch"]) == (1, 1)
    assert (renewed.code, renewed.json["done"], again.json["done"], again.json["connections"]["renewed"]) == (
        0,
        1,
        0,
        1,
    )
    assert isinstance(standing, CalendarReconnected)
    assert (standing.epoch, standing.revision, standing.setup.titles) == (2, 10, True)
    assert world.find("availability", "timeline", {"_id": kept.id})["setup"]["epoch"] == claim.epoch == 2
    assert believed == {
        kept.id: ["CalendarReconnected"],
        moved.event_id: ["ICloudEventImported"],
        gone.event_id: ["ICloudEventRemoved", "Tombstone"],
        came.event_id: ["ICloudEventImported"],
    }
    assert (too_early.code, too_early.json["left"]) == (1, {kept.id: "not compared yet"})
    assert (rest.code, rest.json["to_change"]) == (0, [{"connection_id": kept.id, "events": 1, "beside": 3}])
    assert reader.reads() == {went.event_id: ["ICloudEventRemoved", "Tombstone"]}
    assert world.calsync("audit", "--what", "connection renew", "--json").json["audit"][0]["outcome"] == "done"
    assert world.calsync("connection", "renew", kept.id, "--what", "events", "--dry-run").code == 0


def test_what_was_renewed_is_renewed_again_only_where_somebody_asks(world: World) -> None:
    one, other = world.connected(events=1, told=True), world.connected(events=1, told=True)

    first = world.calsync("connection", "renew", "--all", "--limit", "1", "--yes", "--json")
    second = world.calsync("connection", "renew", "--all", "--yes", "--json", "--per-second", "1000")
    third = world.calsync("connection", "renew", one.id, "--since", "2199-01-01", "--yes", "--json")

    assert (first.json["done"], first.json["connections"]["renew"]) == (1, 2)
    assert (second.json["done"], second.json["connections"]["renewed"], second.json["left"]) == (1, 1, {})
    assert third.json["done"] == 1
    epochs = [world.find("connector", "connections", {"_id": each.id})["epoch"] for each in (one, other)]
    assert epochs == [3, 2]


def test_connections_that_have_only_begun_are_left_alone_and_counted(world: World) -> None:
    old, young = world.connected(events=1, told=True), world.connected(events=1, told=True)
    world.change("connector", "connections", {"_id": young.id}, {"$set": {"created_at": world.now()}})

    said = world.calsync("connection", "renew", "--all", "--dry-run", "--json")
    table = world.calsync("connection", "renew", "--all", "--dry-run")

    assert [row["connection_id"] for row in said.json["to_change"]] == [old.id]
    counted = said.json["connections"]
    assert (counted["renew"], counted["too_young"]) == (1, 1)
    assert ["too_young", "1"] in [line.split() for line in table.out.splitlines()]


def test_a_connection_that_ended_since_the_backup_stays_over(world: World) -> None:
    told, compacted = world.connected(told=True), world.connected()
    end = CalendarDisconnected(
        account_id=told.owner.account_id, user_id=told.owner.user_id, connection_id=told.id, epoch=1, revision=4
    )
    world.publish([encode(end, source="tests", time=AFTER)])

    said = [world.calsync("connection", "renew", one.id, "--yes", "--json") for one in (told, compacted)]

    assert [(one.code, one.json["done"]) for one in said] == [(1, 0), (1, 0)]
    assert [one.json["over"][0]["why"] for one in said] == ["Kafka has its end", "Kafka has nothing of it any more"]
    assert [world.find("connector", "connections", {"_id": one.id})["epoch"] for one in (told, compacted)] == [1, 1]


def test_a_connection_that_only_kafka_has_is_named_and_ended_where_somebody_asks(world: World) -> None:
    backed_up = backup(world)
    kept = world.connected(told=True)
    backed_up.restore()
    reader = Reader(world.kafka, frozenset({kept.id, *kept.events}))
    reader.reads()

    named = world.calsync("connection", "renew", kept.id, "--yes", "--json")
    nobody = world.find("connector", "connections", {"_id": kept.id})
    ended = world.calsync("connection", "renew", kept.id, "--what", "lost", "--yes", "--json")
    standing = started(world, kept.id)
    objects = erased(world, kept.id)

    assert (named.code, named.json["done"], [one["connection_id"] for one in named.json["lost"]]) == (1, 0, [kept.id])
    assert nobody == {}
    assert (ended.code, ended.json["done"], objects) == (0, 1, 3)
    assert isinstance(standing, CalendarDisconnected)
    gone = {key: ["ICloudEventRemoved", "Tombstone"] for key in kept.events}
    assert reader.reads() == {kept.id: ["CalendarDisconnected"], **gone}
    assert world.find("sync", "connections", {"_id": kept.id})["state"] == "gone"


def test_a_signed_credential_opens_under_the_new_epoch_and_a_forged_one_is_left(world: World, tmp_path: Path) -> None:
    kept, forged = world.connected(events=1, told=True), world.connected(events=1, told=True)
    pair = new_signing_pair(tmp_path / "signing")
    keys = {
        "CALSYNC_VAULT_SIGNING_KEY_FILE": str(pair.signing_key_file),
        "CALSYNC_VAULT_SIGNERS_DIR": str(pair.signers_dir),
    }
    for one, epoch in ((kept, 1), (forged, 7)):
        _sign(world, one, Signer(pair.signing_key_file), epoch)

    without = world.calsync("connection", "renew", kept.id, "--yes", "--json")
    renewed = world.calsync("connection", "renew", kept.id, "--yes", "--json", **keys)
    refused = world.calsync("connection", "renew", forged.id, "--yes", "--json", **keys)

    assert (without.code, without.json["done"], "signed" in without.json["left"][kept.id]) == (1, 0, True)
    assert (renewed.code, renewed.json["done"]) == (0, 1)
    assert (refused.code, "wrongly_signed" in refused.json["left"][forged.id]) == (1, True)
    assert world.find("connector", "connections", {"_id": forged.id})["epoch"] == 1
    assert world.does(lambda client: _opened(world, client, kept, Signers(pair.signers_dir))) == 2


def test_a_worker_that_has_a_connection_is_waited_for(world: World) -> None:
    kept = world.connected(events=1, told=True)
    until = world.now() + timedelta(seconds=1)
    lease = {"owner": "w-1:7", "token": "t", "until": until}
    world.change("sync", "connections", {"_id": kept.id}, {"$set": {"lease": lease}})

    said = world.calsync("connection", "renew", kept.id, "--yes", "--json")

    assert (said.json["done"], world.now() > until) == (1, True)
    assert "lease" not in world.find("sync", "connections", {"_id": kept.id})


def _sign(world: World, kept: Kept, signer: Signer, epoch: int) -> None:
    sealed = world.find("vault", "credentials", {"_id": kept.id})
    envelope = Envelope(sealed["version"], sealed["key_id"], bytes(sealed["sealed"]))
    signature = signer.sign(envelope, Binding(kept.owner.account_id, kept.id), epoch)
    signed = {"signer_id": signature.signer_id, "signature": signature.signature}
    world.change("vault", "credentials", {"_id": kept.id}, {"$set": signed})


async def _opened(world: World, client: Client, kept: Kept, signers: Signers) -> int:
    """The epoch that a worker opens it in."""
    leases = MongoLeases(client, owner="a-worker", length=timedelta(seconds=30))
    claim = next(one for one in await leases.claim(50) if one.connection_id == kept.id)
    await Vault(client, Opener(world.keys.private_keys_dir), signers).credential(claim)
    return claim.epoch
