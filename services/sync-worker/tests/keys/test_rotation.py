"""The vault's keys change for new ones while connectors write and workers read."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from calsync_keys.reseal import Keyring, Reseal
from calsync_keys.vault import Kept, Vault, Wanted
from icloud.credentials import Opener, Signer, Signers
from leftovers import shapes
from runtime import mongo
from runtime.settings import MongoSettings
from worker_vault import Held, secret_of

pytestmark = pytest.mark.servers

MANY = 200


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not there():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.01)


async def test_killed_in_the_middle_and_started_again_it_seals_all_for_the_new_key(held: Held) -> None:
    held.fill(MANY)
    new = held.new_keys()

    process = await held.start("reseal", "--to", new.key_id, "--per-second", "150")
    await until(lambda: held.number(new.key_id) >= 40)
    process.kill()
    await process.communicate()
    in_the_middle, both = held.number(new.key_id), held.opened(held.old.private_keys_dir)
    held.reconnect("c-7")
    held.reconnect("c-190")
    held.kept.delete_one({"_id": "c-55"})
    code, said = await held.run("reseal", "--to", new.key_id, "--per-second", "2000")

    assert 40 <= in_the_middle < MANY
    assert both == {f"c-{one}": (1, secret_of(f"c-{one}")) for one in range(MANY)}
    assert (code, said.splitlines()[-1].startswith("resealed ")) == (0, True)
    again = {"c-7", "c-190"}
    expected = {f"c-{one}" for one in range(MANY)} - {"c-55"}
    epochs = {one: 2 if one in again else 1 for one in expected}
    assert held.opened(held.alone(new)) == {one: (epoch, secret_of(one, epoch)) for one, epoch in epochs.items()}
    shown = await held.run("status")
    assert shown == (0, f"{MANY - 1:>9}  key {new.key_id}  signer {held.tool.signer_id}\n")


async def test_a_key_in_use_stays_and_one_that_nobody_uses_goes(held: Held) -> None:
    held.fill(3)
    new = held.new_keys()
    file = held.old.private_keys_dir / f"{held.old.key_id}.pem"

    early = await held.run("retire", held.old.key_id)
    there_still = file.exists()
    await held.run("reseal", "--to", new.key_id)
    done = await held.run("retire", held.old.key_id)
    again = await held.run("retire", held.old.key_id)
    newest = await held.run("retire", new.key_id)
    signer = await held.run("retire", held.tool.signer_id)

    assert (early[0], there_still, done[0], file.exists()) == (1, True, 0, False)
    assert "is in use" in early[1]
    assert [code for code, _ in (again, newest, signer)] == [1, 1, 1]
    assert "there is no such key here" in again[1]
    assert len(held.opened(held.old.private_keys_dir)) == 3


async def test_the_last_key_and_what_is_no_key_are_not_deleted(held: Held, tmp_path: Path) -> None:
    outside = tmp_path / "precious.pem"
    outside.touch()

    last = await held.run("retire", held.old.key_id)
    elsewhere = await held.run("retire", "../precious")

    assert (last[0], elsewhere[0], outside.exists()) == (1, 1, True)
    assert "only key" in last[1]


async def test_what_was_not_signed_or_wrongly_is_not_made_good(held: Held) -> None:
    held.fill(4)
    held.kept.update_one({"_id": "c-1"}, {"$unset": {"signer_id": 1, "signature": 1}})
    held.kept.update_one({"_id": "c-2"}, {"$set": {"epoch": 9}})
    held.kept.update_one({"_id": "c-3"}, {"$set": {"sealed": held.seal("c-3")["sealed"]}})
    before = {one["_id"]: one for one in held.kept.find({"_id": {"$ne": "c-0"}})}

    code, said = await held.run("reseal", "--to", held.new_keys().key_id)

    assert code == 1
    told = {"c-1 (unsigned)", "c-2 (wrongly_signed)", "c-3 (wrongly_signed)"}
    assert {line.removeprefix("left as it is: ") for line in said.splitlines() if "left as it is:" in line} == told
    assert {one["_id"]: one for one in held.kept.find({"_id": {"$ne": "c-0"}})} == before


async def test_of_many_that_no_key_opens_the_first_are_named_and_all_of_them_where_asked(held: Held) -> None:
    held.fill(25)
    held.old.private_keys_dir.rename(held.folder / "lost")
    new = held.new_keys()

    first = await held.run("reseal", "--to", new.key_id, "--per-second", "2000")
    every = await held.run("reseal", "--to", new.key_id, "--per-second", "2000", "--all-refused")

    named = [[line for line in said.splitlines() if line.startswith("left as it is:")] for _, said in (first, every)]
    assert ([code for code, _ in (first, every)], held.number(held.old.key_id)) == ([1, 1], 25)
    assert (len(named[0]), "and 5 more: --all-refused names all of them" in first[1]) == (20, True)
    assert (set(named[1]), " more:" in every[1]) == (
        {f"left as it is: c-{one} (unknown_key)" for one in range(25)},
        False,
    )


async def test_on_the_day_when_signatures_begin_what_is_there_is_signed(held: Held) -> None:
    held.signing = False
    held.fill(3)
    held.signing = True
    held.kept.insert_one(held.seal("c-3") | {"epoch": 9})

    code, _ = await held.run("reseal", "--to", held.old.key_id, "--accept-unsigned")

    # What has a signature must still have the right one.
    assert code == 0
    assert held.kept.count_documents({"signer_id": held.tool.signer_id}) == 3
    held.kept.delete_one({"_id": "c-3"})
    assert len(held.opened(held.old.private_keys_dir)) == 3


async def test_a_signer_that_is_to_go_is_replaced_by_the_tools_own(held: Held) -> None:
    held.fill(3)

    code, _ = await held.run("reseal", "--to", held.old.key_id, "--signed-by", held.connector.signer_id)
    retired = await held.run("retire", held.connector.signer_id)

    assert (code, retired[0]) == (0, 0)
    assert held.kept.count_documents({"signer_id": held.tool.signer_id}) == 3
    assert len(held.opened(held.old.private_keys_dir)) == 3


async def test_without_signatures_it_reseals_too(held: Held) -> None:
    held.signing = False
    held.fill(3)
    new = held.new_keys()

    code, _ = await held.run("reseal", "--to", new.key_id)

    assert (code, held.kept.count_documents({"signature": {"$exists": True}})) == (0, 0)
    assert len(held.opened(held.alone(new), checked=False)) == 3


class Overtaken(Vault):
    """Between look and write of some, their users reconnect or disconnect."""

    held: Held

    async def replace(self, old: Kept, new: Kept) -> bool:
        if (old.binding.connection_id, old.epoch) == ("c-1", 1):
            self.held.reconnect("c-1")
        if old.binding.connection_id == "c-2":
            self.held.kept.delete_one({"_id": "c-2"})
        return await super().replace(old, new)


async def test_who_reconnects_or_disconnects_meanwhile_wins(held: Held) -> None:
    held.fill(4)
    new = held.new_keys()
    client = mongo.connect(MongoSettings(url=SecretStr(held.url)), "tests")
    vault = Overtaken(client)
    vault.held = held
    keyring = Keyring(
        Opener(held.old.private_keys_dir),
        new.key_id,
        Signer(held.tool.signing_key_file),
        Signers(held.tool.signers_dir),
    )

    done = await Reseal(vault, keyring, Wanted(new.key_id), 1000)(lambda _: None)
    client.close()

    assert (done.resealed, done.overtaken, done.refused) == (4 - 1, 2, {})
    assert held.opened(held.alone(new)) == {
        "c-0": (1, secret_of("c-0")),
        "c-1": (2, secret_of("c-1", 2)),
        "c-3": (1, secret_of("c-3")),
    }


@pytest.mark.parametrize("namesake", [False, True], ids=["unknown", "another key of its name"])
async def test_nothing_is_resealed_by_a_signer_that_the_workers_do_not_know(held: Held, namesake: bool) -> None:  # noqa: FBT001 - a column of the table
    held.fill(3)
    new = held.new_keys()
    before = list(held.kept.find())
    own = held.tool.signers_dir / held.tool.signing_key_file.name
    connectors = (held.connector.signers_dir / held.connector.signing_key_file.name).read_bytes()
    own.unlink()
    if namesake:
        own.write_bytes(connectors)

    code, said = await held.run("reseal", "--to", new.key_id)

    assert (code, list(held.kept.find())) == (2, before)
    assert "no worker could open" in said
    assert len(held.opened(held.old.private_keys_dir)) == 3


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        (("reseal", "--to", "unheard-of"), {}),
        (("reseal", "--to", "../public"), {}),
        (("reseal",), {}),
        (("status",), {"CALSYNC_MONGODB_URL": ""}),
        (("reseal", "--to", "x"), {"CALSYNC_VAULT_SIGNERS_DIR": ""}),
        (("retire", "x"), {"CALSYNC_VAULT_PRIVATE_KEYS_DIR": "/nowhere"}),
        (("reseal", "--to", "x"), {"CALSYNC_VAULT_SIGNING_KEY_FILE": "/nowhere"}),
    ],
    ids=str,
)
async def test_what_is_wrongly_asked_for_is_told_and_nothing_is_done(
    held: Held, arguments: tuple[str, ...], change: dict[str, str]
) -> None:
    held.fill(1)
    before = list(held.kept.find())

    code, said = await held.run(*arguments, **change)

    assert (code, list(held.kept.find())) == (2, before)
    assert said


async def test_no_key_and_no_credential_is_ever_said(held: Held) -> None:
    held.fill(3)
    made = await held.run("create", str(held.folder / "made"))
    signing = await held.run("create", "--signing", str(held.folder / "made"))
    new = held.new_keys()
    held.kept.update_one({"_id": "c-1"}, {"$set": {"sealed": b"nothing"}})
    for arguments in (("status",), ("reseal", "--to", new.key_id), ("retire", held.old.key_id)):
        await held.run(*arguments)

    said = "\n".join(held.said).encode()

    assert [code for code, _ in (made, signing)] == [0, 0]
    keys = [line for file in held.folder.rglob("*.pem") for line in file.read_bytes().splitlines()[1:-1]]
    credentials = [secret_of(f"c-{one}").credential for one in range(3)]
    secrets = [
        needle for one in credentials for text in (one.apple_id, one.app_password) for needle in shapes(text).values()
    ]
    assert len(keys) >= 8
    assert [one for one in (*keys, *secrets) if one in said] == []
    assert {file.parent.name for file in (held.folder / "made").rglob("*.pem")} == {
        "public",
        "private",
        "signers",
        "signing",
    }
