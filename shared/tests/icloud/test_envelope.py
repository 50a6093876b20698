import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from icloud import AppleCredential
from icloud.credentials import (
    Binding,
    Envelope,
    EnvelopeRefused,
    KeyPair,
    KeysUnusable,
    Opener,
    SealedCredential,
    Sealer,
    new_key_pair,
)
from icloud.credentials.envelope import _info

PAYLOAD = SealedCredential(AppleCredential("jane.canary@icloud.com", "cana-rypa-sswo-rdxx"), "/20451177/principal/")
BINDING = Binding("account-1", "connection-1")


@pytest.fixture
def keys(tmp_path: Path) -> KeyPair:
    return new_key_pair(tmp_path / "vault")


@pytest.fixture
def envelope(keys: KeyPair) -> Envelope:
    return Sealer(keys.public_key_file).seal(PAYLOAD, BINDING)


def refusal(opener: Opener, envelope: Envelope, binding: Binding = BINDING) -> str:
    with pytest.raises(EnvelopeRefused) as refused:
        opener.open(envelope, binding)
    return refused.value.reason


def test_what_was_sealed_opens_again(keys: KeyPair, envelope: Envelope) -> None:
    opened = Opener(keys.private_keys_dir).open(envelope, BINDING)

    assert opened == PAYLOAD
    assert envelope.key_id == keys.key_id == keys.public_key_file.stem


def test_an_envelope_shows_nothing_of_what_is_in_it(envelope: Envelope) -> None:
    shown = repr(envelope).encode() + repr(PAYLOAD).encode() + envelope.sealed

    assert not any(part in shown for part in (b"canary", b"cana-", b"20451177"))


def test_sealing_twice_gives_two_envelopes(keys: KeyPair, envelope: Envelope) -> None:
    assert Sealer(keys.public_key_file).seal(PAYLOAD, BINDING).sealed != envelope.sealed


@pytest.mark.parametrize(
    "binding",
    [
        Binding("account-2", "connection-1"),
        Binding("account-1", "connection-2"),
        Binding("connection-1", "account-1"),
        Binding("account-1connection-1", ""),
        Binding("", "account-1connection-1"),
        Binding("account-", "1connection-1"),
    ],
)
def test_an_envelope_does_not_open_for_another_binding(keys: KeyPair, envelope: Envelope, binding: Binding) -> None:
    assert refusal(Opener(keys.private_keys_dir), envelope, binding) == "does_not_open"


def test_an_envelope_relabelled_with_another_version_or_key_is_refused(keys: KeyPair, envelope: Envelope) -> None:
    other = new_key_pair(keys.private_keys_dir.parent)
    opener = Opener(keys.private_keys_dir)

    assert refusal(opener, replace(envelope, version=2)) == "unknown_version"
    assert refusal(opener, replace(envelope, version=0)) == "unknown_version"
    assert refusal(opener, replace(envelope, key_id="unheard-of")) == "unknown_key"
    assert refusal(opener, replace(envelope, key_id=f"../private/{keys.key_id}")) == "unknown_key"
    assert refusal(opener, replace(envelope, key_id=other.key_id)) == "does_not_open"


def test_the_same_key_under_another_name_does_not_open(keys: KeyPair, envelope: Envelope) -> None:
    renamed = keys.private_keys_dir / "renamed.pem"
    (keys.private_keys_dir / f"{keys.key_id}.pem").rename(renamed)

    assert refusal(Opener(keys.private_keys_dir), replace(envelope, key_id="renamed")) == "does_not_open"


def test_every_single_flipped_bit_is_refused(keys: KeyPair, envelope: Envelope) -> None:
    opener = Opener(keys.private_keys_dir)

    for position in range(len(envelope.sealed) * 8):
        altered = bytearray(envelope.sealed)
        altered[position // 8] ^= 1 << position % 8
        assert refusal(opener, replace(envelope, sealed=bytes(altered))) == "does_not_open"


def test_every_truncation_and_extension_is_refused(keys: KeyPair, envelope: Envelope) -> None:
    opener = Opener(keys.private_keys_dir)

    for length in range(len(envelope.sealed)):
        assert refusal(opener, replace(envelope, sealed=envelope.sealed[:length])) == "does_not_open"
        assert refusal(opener, replace(envelope, sealed=envelope.sealed[length:][1:])) == "does_not_open"
    assert refusal(opener, replace(envelope, sealed=envelope.sealed + b"\0")) == "does_not_open"


def test_two_envelopes_do_not_mix(keys: KeyPair, envelope: Envelope) -> None:
    other = Sealer(keys.public_key_file).seal(PAYLOAD, BINDING)

    mixed = replace(envelope, sealed=envelope.sealed[:32] + other.sealed[32:])

    assert refusal(Opener(keys.private_keys_dir), mixed) == "does_not_open"


@pytest.mark.parametrize(
    "plain",
    [b"", b"[]", b"{}", b"\xff", b'{"apple_id": "jane@icloud.com", "app_password": "hunter2", "principal": "/"}'],
)
def test_a_payload_that_is_no_credential_is_refused(keys: KeyPair, plain: bytes) -> None:
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    public = load_pem_public_key(keys.public_key_file.read_bytes())
    assert isinstance(public, X25519PublicKey)
    sealed = suite.encrypt(plain, public, _info(1, keys.key_id, BINDING))

    assert refusal(Opener(keys.private_keys_dir), Envelope(1, keys.key_id, sealed)) == "unreadable_payload"


def test_a_key_that_comes_by_rotation_is_used_at_once_and_the_old_one_still_opens(
    keys: KeyPair, envelope: Envelope
) -> None:
    opener = Opener(keys.private_keys_dir)
    newer = new_key_pair(keys.private_keys_dir.parent)

    sealed_anew = Sealer(newer.public_key_file).seal(PAYLOAD, BINDING)

    assert opener.open(sealed_anew, BINDING) == PAYLOAD
    assert opener.open(envelope, BINDING) == PAYLOAD


def test_a_resealed_envelope_opens_with_the_new_key_alone(keys: KeyPair, envelope: Envelope, tmp_path: Path) -> None:
    newer = new_key_pair(keys.private_keys_dir.parent)
    opener, only_new = Opener(keys.private_keys_dir), tmp_path / "only-new"
    only_new.mkdir()
    (only_new / f"{newer.key_id}.pem").write_bytes((newer.private_keys_dir / f"{newer.key_id}.pem").read_bytes())

    resealed = opener.reseal(envelope, BINDING, newer.key_id)

    assert (resealed.key_id, Opener(only_new).open(resealed, BINDING)) == (newer.key_id, PAYLOAD)
    assert refusal(Opener(only_new), envelope) == "unknown_key"
    with pytest.raises(EnvelopeRefused, match="unknown_key"):
        opener.reseal(envelope, BINDING, "unheard-of")
    with pytest.raises(EnvelopeRefused, match="does_not_open"):
        opener.reseal(envelope, Binding("account-2", "connection-1"), newer.key_id)


def test_private_keys_are_readable_by_their_owner_alone(keys: KeyPair) -> None:
    private = keys.private_keys_dir / f"{keys.key_id}.pem"

    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.private_keys_dir.stat().st_mode) == 0o700


def test_hidden_entries_of_a_mounted_secret_are_left_out(keys: KeyPair) -> None:
    (keys.private_keys_dir / "..data").mkdir()
    (keys.private_keys_dir / ".stray").write_text("not a key")

    Opener(keys.private_keys_dir)


def test_unusable_keys_are_told_at_the_start(keys: KeyPair, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.mkdir()

    for missing in (junk, tmp_path / "nowhere"):
        with pytest.raises(KeysUnusable):
            Opener(missing)
    (junk / "key.pem").write_bytes(os.urandom(40))
    with pytest.raises(KeysUnusable):
        Opener(junk)
    for wrong in (junk / "key.pem", tmp_path / "nowhere.pem", keys.private_keys_dir / f"{keys.key_id}.pem"):
        with pytest.raises(KeysUnusable):
            Sealer(wrong)
