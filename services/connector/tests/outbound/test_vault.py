"""What the connector puts into the vault, and what it cannot do there."""

from pathlib import Path

import pytest
from bson import BSON

from connector.domain.connection import Connection, reconnected
from connector.outbound.mongo import MongoConnections
from connector.outbound.vault import Vault
from connector_examples import APP_PASSWORD, APPLE_ID, LATER, MARIE, PRINCIPAL, SECRET, connection
from connector_stores import Databases
from icloud.credentials import (
    Binding,
    Envelope,
    EnvelopeRefused,
    KeyPair,
    Opener,
    Sealer,
    Signature,
    Signer,
    Signers,
    SigningPair,
    new_signing_pair,
)
from leftovers import shapes

pytestmark = pytest.mark.servers


@pytest.fixture
def pair(tmp_path: Path) -> SigningPair:
    return new_signing_pair(tmp_path)


@pytest.fixture
def signing(mine: Databases, keys: KeyPair, pair: SigningPair) -> MongoConnections:
    vault = Vault(mine.client, Sealer(keys.public_key_file), Signer(pair.signing_key_file), database=mine.vault)
    return MongoConnections(mine.client, vault, database=mine.connector)


async def kept(mine: Databases) -> tuple[Envelope, Signature, int]:
    [one] = (await mine.everything())["credentials"]
    envelope = Envelope(one["version"], one["key_id"], one["sealed"])
    return envelope, Signature(one["signer_id"], one["signature"]), one["epoch"]


async def test_a_credential_is_sealed_for_the_workers_and_signed_for_its_epoch(
    signing: MongoConnections, mine: Databases, keys: KeyPair, pair: SigningPair
) -> None:
    binding, signers = Binding(MARIE.account_id, "c-1"), Signers(pair.signers_dir)
    made = connection("c-1", MARIE)
    await signing.add(made, SECRET)
    first, first_signature, _ = await kept(mine)

    def renewed(present: Connection) -> Connection:
        return reconnected(present, present.apple, present.terms.calendars, at=LATER)

    await signing.renew(made, renewed, SECRET)
    second, second_signature, epoch = await kept(mine)

    assert epoch == 2
    signers.check(first, binding, 1, first_signature)
    signers.check(second, binding, 2, second_signature)
    assert Opener(keys.private_keys_dir).open(second, binding) == SECRET
    # The old one put back, with or without its epoch.
    with pytest.raises(EnvelopeRefused, match="wrongly_signed"):
        signers.check(first, binding, 2, first_signature)
    with pytest.raises(EnvelopeRefused, match="wrongly_signed"):
        signers.check(second, binding, 2, first_signature)


async def test_signing_leaves_nothing_in_clear(signing: MongoConnections, mine: Databases) -> None:
    await signing.add(connection("c-1", MARIE), SECRET)

    written = b"".join(BSON.encode(one) for several in (await mine.everything()).values() for one in several)

    secrets = (APP_PASSWORD, APPLE_ID, PRINCIPAL)
    assert [name for secret in secrets for name, needle in shapes(secret).items() if needle in written] == []
