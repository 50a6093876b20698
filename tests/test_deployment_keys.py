"""The deployment guide's commands for keys, run as they stand there: what they make works, and can be changed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from calsync_keys.reseal import Keyring
from calsync_keys.vault import Kept
from icloud import AppleCredential
from icloud.credentials import Binding, Opener, SealedCredential, Sealer, Signer, Signers, new_key_pair
from manifests import BY_HAND, ROOT, environment

# `create secret generic NAME --from-file=KEY=FILE …`, as a mount shows it. Quite as strict: KEY=A B is two arguments.
KUBECTL = """
import pathlib, shutil, sys
assert sys.argv[1:6] == ["-n", "calsync", "create", "secret", "generic"], sys.argv
for told in sys.argv[7:]:
    option, key, *file = told.split("=", 2)
    assert option == "--from-file", told
    (folder := pathlib.Path("mounts", sys.argv[6])).mkdir(parents=True, exist_ok=True)
    shutil.copy(file[0] if file else key, folder / pathlib.Path(key).name)
"""
SECRET = SealedCredential(AppleCredential("canary@icloud.com", "abcd-efgh-ijkl-mnop"), "/1/principal/")
BINDING = Binding("acc-1", "c-1")


@pytest.fixture(scope="module")
def mounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each Secret that the guide makes, as a directory."""
    folder = tmp_path_factory.mktemp("guide")
    guide = (ROOT / "docs/deployment.md").read_text()
    (commands,) = (one for one in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL) if "calsync-keys create" in one)
    (folder / "kubectl.py").write_text(KUBECTL)
    ours = f'calsync-keys() {{ {sys.executable} -m calsync_keys "$@"; }}'
    script = [
        "set -eu",
        f'kubectl() {{ {sys.executable} kubectl.py "$@"; }}',
        *(ours if line.startswith("calsync-keys()") else line for line in commands.splitlines()),
    ]
    subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, check=True, timeout=120, env=dict(os.environ))
    return folder / "mounts"


def file_of(mounts: Path, secret: str, path: str) -> Path:
    return mounts / secret / Path(path).name


def sealed(mounts: Path) -> Kept:
    """What the connector writes."""
    told = environment("production", "connector")
    public = file_of(mounts, "calsync-vault-public", told["CALSYNC_VAULT_PUBLIC_KEY_FILE"])
    signing = file_of(mounts, "calsync-vault-signing", told["CALSYNC_VAULT_SIGNING_KEY_FILE"])
    envelope = Sealer(public).seal(SECRET, BINDING)
    return Kept(BINDING, 1, envelope, Signer(signing).sign(envelope, BINDING, 1))


def opened(mounts: Path, kept: Kept) -> SealedCredential:
    """What a worker makes of it. Raises EnvelopeRefused."""
    Signers(mounts / "calsync-vault-signers").check(kept.envelope, kept.binding, kept.epoch, kept.signature)
    return Opener(mounts / "calsync-vault-private").open(kept.envelope, kept.binding)


def test_workers_open_what_the_connector_seals(mounts: Path) -> None:
    assert opened(mounts, sealed(mounts)) == SECRET


def test_workers_open_what_the_key_tool_reseals_for_a_new_key(mounts: Path, tmp_path: Path) -> None:
    (keys,) = (one for one in BY_HAND if one.name == "calsync-keys")
    told = {entry["name"]: entry["value"] for entry in keys.main["env"]}
    new = new_key_pair(tmp_path)
    private = mounts / "calsync-vault-private" / f"{new.key_id}.pem"
    private.write_bytes((new.private_keys_dir / private.name).read_bytes())
    tool = Signer(file_of(mounts, "calsync-vault-tool", told["CALSYNC_VAULT_SIGNING_KEY_FILE"]))
    keyring = Keyring(Opener(private.parent), new.key_id, tool, Signers(mounts / "calsync-vault-signers"))

    resealed = keyring.resealed(sealed(mounts))

    assert keyring.believed
    assert resealed.envelope.key_id == new.key_id
    assert opened(mounts, resealed) == SECRET
