"""The workers' side of the vault: what opens, and what is refused without blaming the user."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from icloud import AppleCredential
from icloud.credentials import (
    Binding,
    Envelope,
    KeyPair,
    Opener,
    SealedCredential,
    Sealer,
    Signer,
    Signers,
    SigningPair,
    new_key_pair,
    new_signing_pair,
)
from sync_worker.application.accounts import CredentialUnusable
from sync_worker.application.claim import Claim
from sync_worker.outbound.vault import CREDENTIALS, Vault
from worker_examples import ACCOUNT, connected
from worker_stores import Database, fake_store

pytestmark = pytest.mark.servers

CREDENTIAL = AppleCredential("jane.canary@icloud.com", "cana-rypa-sswo-rdxx")
OTHERS = AppleCredential("paul.canary@icloud.com", "anot-hero-nesp-assw")
Document = dict[str, Any]


@dataclass
class World:
    """One connection's credential, of epoch 2."""

    mine: Database
    keys: KeyPair
    pair: SigningPair
    claim: Claim

    def document(self, credential: AppleCredential = CREDENTIAL, *, one: str = "c-1", epoch: int = 2) -> Document:
        """What the connector writes."""
        binding = Binding(ACCOUNT, one)
        envelope = Sealer(self.keys.public_key_file).seal(SealedCredential(credential, "/1/principal/"), binding)
        signature = Signer(self.pair.signing_key_file).sign(envelope, binding, epoch)
        return {
            "_id": one,
            "account_id": ACCOUNT,
            "epoch": epoch,
            "version": envelope.version,
            "key_id": envelope.key_id,
            "sealed": envelope.sealed,
            "signer_id": signature.signer_id,
            "signature": signature.signature,
        }

    async def keep(self, document: Mapping[str, Any]) -> None:
        kept = self.mine.client[self.mine.name][CREDENTIALS]
        await kept.replace_one({"_id": document["_id"]}, dict(document), upsert=True)

    async def opened(self, *, checking: bool = True) -> AppleCredential:
        signers = Signers(self.pair.signers_dir) if checking else None
        vault = Vault(self.mine.client, Opener(self.keys.private_keys_dir), signers, database=self.mine.name)
        return await vault.credential(self.claim)

    async def refusal(self) -> str:
        with pytest.raises(CredentialUnusable) as refused:
            await self.opened()
        return refused.value.reason


@pytest.fixture
async def world(mine: Database, tmp_path: Path) -> World:
    store = fake_store()
    await store.connections.follow(connected("c-1", epoch=2))
    [claim] = await store.leases().claim(1)
    return World(mine, new_key_pair(tmp_path), new_signing_pair(tmp_path), claim)


async def test_what_the_connector_sealed_and_signed_opens(world: World) -> None:
    await world.keep(world.document())

    assert await world.opened() == CREDENTIAL


async def test_what_is_not_there_is_absent(world: World) -> None:
    assert await world.refusal() == "absent"


async def test_a_reconnect_that_the_claim_has_not_heard_of_opens(world: World) -> None:
    await world.keep(world.document(epoch=3))

    assert await world.opened() == CREDENTIAL


async def test_an_old_envelope_put_back_is_refused_under_its_own_epoch_and_under_the_present_one(world: World) -> None:
    old = world.document(epoch=1)

    await world.keep(old)
    as_it_was = await world.refusal()
    await world.keep(old | {"epoch": 2})
    relabelled = await world.refusal()

    assert (as_it_was, relabelled) == ("outdated", "wrongly_signed")


async def test_an_envelope_that_nobody_signed_is_refused_where_signatures_are_checked(world: World) -> None:
    document = world.document()
    unsigned = {name: value for name, value in document.items() if not name.startswith("sign")}
    await world.keep(unsigned)

    assert await world.refusal() == "unsigned"
    assert await world.opened(checking=False) == CREDENTIAL


async def test_whoever_writes_into_the_vault_cannot_put_an_account_of_their_own_into_a_users_place(
    world: World, tmp_path: Path
) -> None:
    forged = world.document(OTHERS)
    true = world.document()

    await world.keep(true | {"sealed": forged["sealed"]})
    other_envelope = await world.refusal()
    stranger = new_signing_pair(tmp_path / "elsewhere")
    envelope = Envelope(forged["version"], forged["key_id"], forged["sealed"])
    signature = Signer(stranger.signing_key_file).sign(envelope, Binding(ACCOUNT, "c-1"), 2)
    await world.keep(forged | {"signer_id": signature.signer_id, "signature": signature.signature})
    stranger_signed = await world.refusal()
    neighbours = world.document(OTHERS, one="c-2")
    await world.keep(neighbours | {"_id": "c-1"})
    neighbours_there = await world.refusal()

    assert (other_envelope, stranger_signed, neighbours_there) == (
        "wrongly_signed",
        "unknown_signer",
        "wrongly_signed",
    )


@pytest.mark.parametrize(
    "change",
    [{"account_id": "acc-2"}, {"key_id": "another"}, {"version": 2}, {"signer_id": "another"}, {"epoch": 9}],
    ids=str,
)
async def test_every_label_counts(world: World, change: Document) -> None:
    await world.keep(world.document() | change)

    if "account_id" in change:
        # The vault's own word on the account is not asked: the claim's is.
        assert await world.opened() == CREDENTIAL
        world.claim = replace(world.claim, account_id="acc-2")
    assert await world.refusal() in {"wrongly_signed", "unknown_signer"}


async def test_a_key_and_a_signer_that_come_by_rotation_are_used_without_a_restart(world: World) -> None:
    signers, opener = Signers(world.pair.signers_dir), Opener(world.keys.private_keys_dir)
    vault = Vault(world.mine.client, opener, signers, database=world.mine.name)
    await world.keep(world.document())
    before = await vault.credential(world.claim)

    folder = world.keys.private_keys_dir.parent
    world.keys, world.pair = new_key_pair(folder), new_signing_pair(folder)
    await world.keep(world.document(OTHERS))

    assert (before, await vault.credential(world.claim)) == (CREDENTIAL, OTHERS)
