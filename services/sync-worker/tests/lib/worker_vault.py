"""A vault with its keys, and those who write it, read it and change its keys."""

import asyncio
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Final

from pymongo.collection import Collection

from calsync_keys.app import main
from icloud import AppleCredential
from icloud.credentials import (
    Binding,
    Envelope,
    KeyPair,
    Opener,
    SealedCredential,
    Sealer,
    Signature,
    Signer,
    Signers,
    SigningPair,
    new_key_pair,
)

ACCOUNT: Final = "acc-1"
Document = dict[str, Any]
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def secret_of(connection_id: str, epoch: int = 1) -> SealedCredential:
    """Each connection's own, and another one in each epoch."""
    number = int(connection_id.removeprefix("c-"))
    password = "-".join(LETTERS[(number + epoch * 5 + group) % 22 :][:4] for group in range(4))
    return SealedCredential(AppleCredential(f"canary.{number}@icloud.com", password), f"/{number}/principal/")


@dataclass
class Held:
    """The vault, its keys, and the hands of a connector and a worker on it."""

    url: str
    kept: Collection[Document]
    folder: Path
    old: KeyPair
    connector: SigningPair
    tool: SigningPair
    signing: bool = True
    said: list[str] = field(default_factory=list)

    def seal(self, connection_id: str, *, epoch: int = 1, keys: KeyPair | None = None) -> Document:
        """What the connector writes."""
        binding = Binding(ACCOUNT, connection_id)
        envelope = Sealer((keys or self.old).public_key_file).seal(secret_of(connection_id, epoch), binding)
        labels = {"version": envelope.version, "key_id": envelope.key_id, "sealed": envelope.sealed}
        document: Document = {"_id": connection_id, "account_id": ACCOUNT, "epoch": epoch, **labels}
        if not self.signing:
            return document
        signature = Signer(self.connector.signing_key_file).sign(envelope, binding, epoch)
        return document | {"signer_id": signature.signer_id, "signature": signature.signature}

    def fill(self, number: int) -> None:
        self.kept.insert_many(self.seal(f"c-{one}") for one in range(number))

    def reconnect(self, connection_id: str, *, epoch: int = 2) -> None:
        self.kept.replace_one({"_id": connection_id}, self.seal(connection_id, epoch=epoch))

    def number(self, key_id: str) -> int:
        return self.kept.count_documents({"key_id": key_id})

    def opened(self, private_keys_dir: Path, *, checked: bool = True) -> dict[str, tuple[int, SealedCredential]]:
        """Everything, as a worker with these keys opens it."""
        opener, signers = Opener(private_keys_dir), Signers(self.connector.signers_dir)
        found = {}
        for one in self.kept.find():
            binding = Binding(one["account_id"], one["_id"])
            envelope = Envelope(one["version"], one["key_id"], one["sealed"])
            if checked:
                signers.check(envelope, binding, one["epoch"], Signature(one["signer_id"], one["signature"]))
            found[one["_id"]] = (one["epoch"], opener.open(envelope, binding))
        return found

    def alone(self, keys: KeyPair) -> Path:
        """A directory with this one private key."""
        folder = self.folder / f"only-{keys.key_id}"
        folder.mkdir()
        name = f"{keys.key_id}.pem"
        (folder / name).write_bytes((keys.private_keys_dir / name).read_bytes())
        return folder

    def new_keys(self) -> KeyPair:
        return new_key_pair(self.folder)

    @property
    def environment(self) -> dict[str, str]:
        known = {
            "CALSYNC_MONGODB_URL": self.url,
            "CALSYNC_VAULT_PRIVATE_KEYS_DIR": str(self.old.private_keys_dir),
        }
        if not self.signing:
            return known
        return known | {
            "CALSYNC_VAULT_SIGNING_KEY_FILE": str(self.tool.signing_key_file),
            "CALSYNC_VAULT_SIGNERS_DIR": str(self.tool.signers_dir),
        }

    async def start(self, *arguments: str, **more: str) -> asyncio.subprocess.Process:
        """The tool as a process of its own."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "calsync_keys", *arguments),
            env={**self.environment, "PATH": os.environ["PATH"], **more},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, **more: str) -> tuple[int, str]:
        """The tool in this process: its exit code, and what it says."""
        code, out = 0, StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            try:
                code = await asyncio.to_thread(main, arguments, {**self.environment, **more})
            except SystemExit as wrongly_called:
                code = int(wrongly_called.code or 0)
        self.said.append(out.getvalue())
        return code, self.said[-1]
