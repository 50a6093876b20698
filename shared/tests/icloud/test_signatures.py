import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from icloud import AppleCredential
from icloud.credentials import (
    Binding,
    Envelope,
    EnvelopeRefused,
    KeyPair,
    KeysUnusable,
    SealedCredential,
    Sealer,
    Signature,
    Signer,
    Signers,
    SigningPair,
    new_key_pair,
    new_signing_pair,
)

PAYLOAD = SealedCredential(AppleCredential("jane.canary@icloud.com", "cana-rypa-sswo-rdxx"), "/20451177/principal/")
BINDING = Binding("account-1", "connection-1")
EPOCH = 7


@pytest.fixture
def keys(tmp_path: Path) -> KeyPair:
    return new_key_pair(tmp_path / "vault")


@pytest.fixture
def pair(tmp_path: Path) -> SigningPair:
    return new_signing_pair(tmp_path / "vault")


@pytest.fixture
def envelope(keys: KeyPair) -> Envelope:
    return Sealer(keys.public_key_file).seal(PAYLOAD, BINDING)


@pytest.fixture
def signature(pair: SigningPair, envelope: Envelope) -> Signature:
    return Signer(pair.signing_key_file).sign(envelope, BINDING, EPOCH)


def refusal(
    pair: SigningPair,
    envelope: Envelope,
    signature: Signature | None,
    *,
    binding: Binding = BINDING,
    epoch: int = EPOCH,
) -> str:
    with pytest.raises(EnvelopeRefused) as refused:
        Signers(pair.signers_dir).check(envelope, binding, epoch, signature)
    return refused.value.reason


def test_what_a_signer_vouched_for_passes(pair: SigningPair, envelope: Envelope, signature: Signature) -> None:
    Signers(pair.signers_dir).check(envelope, BINDING, EPOCH, signature)

    assert signature.signer_id == pair.signer_id == pair.signing_key_file.stem


def test_a_signature_shows_nothing(signature: Signature) -> None:
    assert repr(signature) == f"Signature(signer_id='{signature.signer_id}')"


def test_an_unsigned_envelope_is_refused(pair: SigningPair, envelope: Envelope) -> None:
    assert refusal(pair, envelope, None) == "unsigned"


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
def test_an_envelope_put_in_anothers_place_is_refused(
    pair: SigningPair, envelope: Envelope, signature: Signature, binding: Binding
) -> None:
    assert refusal(pair, envelope, signature, binding=binding) == "wrongly_signed"


@pytest.mark.parametrize("epoch", [EPOCH - 1, EPOCH + 1, 0, -EPOCH, 77])
def test_an_envelope_of_another_epoch_is_refused(
    pair: SigningPair, envelope: Envelope, signature: Signature, epoch: int
) -> None:
    assert refusal(pair, envelope, signature, epoch=epoch) == "wrongly_signed"


def test_an_envelope_relabelled_with_another_key_or_version_is_refused(
    pair: SigningPair, envelope: Envelope, signature: Signature
) -> None:
    assert refusal(pair, replace(envelope, key_id="another"), signature) == "wrongly_signed"
    assert refusal(pair, replace(envelope, version=2), signature) == "wrongly_signed"
    assert refusal(pair, replace(envelope, version=11), signature) == "wrongly_signed"


def test_another_envelope_of_the_same_place_is_refused(pair: SigningPair, keys: KeyPair, signature: Signature) -> None:
    forged = Sealer(keys.public_key_file).seal(PAYLOAD, BINDING)

    assert refusal(pair, forged, signature) == "wrongly_signed"


def test_a_signature_under_another_signers_name_is_refused(
    pair: SigningPair, envelope: Envelope, signature: Signature
) -> None:
    other = new_signing_pair(pair.signers_dir.parent)

    assert refusal(pair, envelope, replace(signature, signer_id=other.signer_id)) == "wrongly_signed"
    assert refusal(pair, envelope, replace(signature, signer_id="unheard-of")) == "unknown_signer"
    assert refusal(pair, envelope, replace(signature, signer_id=f"../signers/{pair.signer_id}")) == "unknown_signer"


def test_a_stranger_who_signs_is_refused(pair: SigningPair, envelope: Envelope, tmp_path: Path) -> None:
    stranger = new_signing_pair(tmp_path / "elsewhere")
    same_name = stranger.signing_key_file.with_name(f"{pair.signer_id}.pem")
    stranger.signing_key_file.rename(same_name)

    signature = Signer(same_name).sign(envelope, BINDING, EPOCH)

    assert refusal(pair, envelope, signature) == "wrongly_signed"


def test_every_single_flipped_bit_is_refused(pair: SigningPair, envelope: Envelope, signature: Signature) -> None:
    signers = Signers(pair.signers_dir)

    def flipped(content: bytes, position: int) -> bytes:
        altered = bytearray(content)
        altered[position // 8] ^= 1 << position % 8
        return bytes(altered)

    for position in range(len(envelope.sealed) * 8):
        with pytest.raises(EnvelopeRefused, match="wrongly_signed"):
            signers.check(replace(envelope, sealed=flipped(envelope.sealed, position)), BINDING, EPOCH, signature)
    for position in range(len(signature.signature) * 8):
        other = replace(signature, signature=flipped(signature.signature, position))
        with pytest.raises(EnvelopeRefused, match="wrongly_signed"):
            signers.check(envelope, BINDING, EPOCH, other)


def test_every_truncation_and_extension_is_refused(pair: SigningPair, envelope: Envelope, signature: Signature) -> None:
    for length in range(len(envelope.sealed)):
        assert refusal(pair, replace(envelope, sealed=envelope.sealed[:length]), signature) == "wrongly_signed"
    for length in range(len(signature.signature)):
        other = replace(signature, signature=signature.signature[:length])
        assert refusal(pair, envelope, other) == "wrongly_signed"
    assert refusal(pair, replace(envelope, sealed=envelope.sealed + b"\0"), signature) == "wrongly_signed"
    assert refusal(pair, envelope, replace(signature, signature=signature.signature + b"\0")) == "wrongly_signed"


def test_a_signer_that_comes_by_rotation_is_believed_at_once_and_the_old_one_still(
    pair: SigningPair, envelope: Envelope, signature: Signature
) -> None:
    signers = Signers(pair.signers_dir)
    newer = new_signing_pair(pair.signers_dir.parent)

    signers.check(envelope, BINDING, EPOCH, Signer(newer.signing_key_file).sign(envelope, BINDING, EPOCH))
    signers.check(envelope, BINDING, EPOCH, signature)


def test_a_signing_key_is_readable_by_its_owner_alone(pair: SigningPair) -> None:
    assert stat.S_IMODE(pair.signing_key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(pair.signing_key_file.parent.stat().st_mode) == 0o700


def test_keys_of_another_kind_are_no_keys(pair: SigningPair, keys: KeyPair, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.mkdir()
    private = keys.private_keys_dir / f"{keys.key_id}.pem"

    for no_signing_key in (private, keys.public_key_file, pair.signers_dir / f"{pair.signer_id}.pem", junk / "none"):
        with pytest.raises(KeysUnusable):
            Signer(no_signing_key)
    for no_signers in (junk, tmp_path / "nowhere", keys.private_keys_dir, keys.public_key_file.parent):
        with pytest.raises(KeysUnusable):
            Signers(no_signers)
    with pytest.raises(KeysUnusable):
        # A signing key among those who are to be believed would be a secret in the wrong place.
        Signers(pair.signing_key_file.parent)
    (junk / "key.pem").write_bytes(os.urandom(40))
    with pytest.raises(KeysUnusable):
        Signers(junk)
