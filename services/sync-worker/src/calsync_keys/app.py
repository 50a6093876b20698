"""`calsync-keys`: what can be done with the vault's keys, from the command line."""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pymongo.errors import PyMongoError

from calsync_keys.reseal import Keyring, Progress, Reseal
from calsync_keys.settings import Settings
from calsync_keys.vault import Use, Vault, Wanted
from icloud.credentials import new_key_pair, new_signing_pair
from runtime import mongo
from runtime.settings import Fragment, MongoSettings, SettingsInvalid, load

NAME: Final = "calsync-keys"
_DONE, _NOT_ALL, _WRONG = 0, 1, 2
_SHOWN: Final = 20


class Look(Fragment):
    """What looking needs."""

    mongo: MongoSettings


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Do as told: 0 done, 1 not or not all of it, 2 wrongly called. No key and no credential is ever printed."""
    told = parser().parse_args(arguments)
    try:
        match told.command:
            case "create":
                return _create(told)
            case "status":
                looking = load(Look, environ)
                return asyncio.run(_with(looking.mongo, _status))
            case "reseal":
                settings = load(Settings, environ)
                return asyncio.run(_with(settings.mongo, lambda vault: _reseal(vault, settings, told)))
            case _:
                settings = load(Settings, environ)
                return asyncio.run(_with(settings.mongo, lambda vault: _retire(vault, settings, told.key_id)))
    except SettingsInvalid as wrong:
        return _say(str(wrong), _WRONG)
    except PyMongoError as error:
        return _say(f"MongoDB: {type(error).__name__}. Nothing is lost; start it again.", _NOT_ALL)


def parser() -> ArgumentParser:
    """What can be asked of the tool."""
    told = ArgumentParser(NAME, description="The keys of the vault. docs/key-policy.md tells the order of things.")
    commands = told.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a key pair below a directory")
    create.add_argument("directory", type=Path)
    create.add_argument("--signing", action="store_true", help="a pair to sign with, not one to seal with")
    commands.add_parser("status", help="how many envelopes each key and each signer has")
    reseal = commands.add_parser("reseal", help="seal what is sealed for other keys, while everything runs")
    reseal.add_argument("--to", required=True, metavar="KEY_ID", dest="key_id")
    reseal.add_argument("--per-second", type=float, default=50.0, help="envelopes a second at most (default: 50)")
    reseal.add_argument(
        "--accept-unsigned", action="store_true", help="sign what nobody has signed: on the day when signatures begin"
    )
    reseal.add_argument(
        "--signed-by",
        action="append",
        default=[],
        metavar="SIGNER_ID",
        help="also what this signer has signed, whose key is to be retired",
    )
    reseal.add_argument(
        "--all-refused", action="store_true", help=f"name all that is left as it is, not the first {_SHOWN} alone"
    )
    retire = commands.add_parser("retire", help="delete a key's file here, unless envelopes use it")
    retire.add_argument("key_id", metavar="ID")
    return told


def _create(told: Namespace) -> int:
    if told.signing:
        signing = new_signing_pair(told.directory)
        return _say(
            f"{signing.signer_id}\n  signs, for one process alone: {signing.signing_key_file}\n"
            f"  for the workers: {signing.signers_dir / signing.signing_key_file.name}"
        )
    pair = new_key_pair(told.directory)
    return _say(
        f"{pair.key_id}\n  opens, for the workers alone: {pair.private_keys_dir / pair.public_key_file.name}\n"
        f"  for the connector: {pair.public_key_file}"
    )


async def _with(settings: MongoSettings, command: Callable[[Vault], Awaitable[int]]) -> int:
    client = mongo.connect(settings, NAME)
    try:
        return await command(Vault(client))
    finally:
        client.close()


async def _status(vault: Vault) -> int:
    return _say("\n".join(_told(use) for use in await vault.uses()) or "The vault is empty.")


async def _reseal(vault: Vault, settings: Settings, told: Namespace) -> int:
    keys = settings.keys
    if _file(keys.private_keys_dir, told.key_id) is None:
        return _say(f"{keys.private_keys_dir} holds no key {told.key_id}.", _WRONG)
    if told.per_second <= 0 or (keys.signer is None and (told.accept_unsigned or told.signed_by)):
        return _say("--per-second must be positive; --accept-unsigned and --signed-by need a signing key.", _WRONG)
    wanted = Wanted(told.key_id, told.accept_unsigned, tuple(told.signed_by))
    keyring = Keyring(keys.opener, told.key_id, keys.signer, keys.signers, accept_unsigned=told.accept_unsigned)
    if not keyring.believed:
        return _say(
            f"{keys.signers_dir} does not know {keys.signing_key_file}, which signs here: no worker could open what "
            "this seals. Nothing was changed. Add its public key, in the workers' Secret, too.",
            _WRONG,
        )
    done = await Reseal(vault, keyring, wanted, told.per_second)(_tell)
    told_of = len(done.refused) if told.all_refused else _SHOWN
    for connection_id, reason in list(done.refused.items())[:told_of]:
        _say(f"left as it is: {connection_id} ({reason})")
    if len(done.refused) > told_of:
        _say(f"and {len(done.refused) - told_of} more: --all-refused names all of them")
    return _say(f"{_counted(done)}. Done.", _NOT_ALL if done.refused else _DONE)


async def _retire(vault: Vault, settings: Settings, key_id: str) -> int:
    using = [use for use in await vault.uses() if key_id in {use.key_id, use.signer_id}]
    if using:
        return _say("\n".join([f"{key_id} is in use:", *map(_told, using)]), _NOT_ALL)
    keys = settings.keys
    file = _file(keys.private_keys_dir, key_id) or _file(keys.signers_dir, key_id)
    if file is None:
        return _say(f"No envelope uses {key_id}, and there is no such key here.", _NOT_ALL)
    if len(_files(file.parent)) == 1:
        return _say(f"{key_id} is the only key in {file.parent}: it stays.", _NOT_ALL)
    try:
        file.unlink()
    except OSError:
        return _say(
            f"No envelope uses {key_id}. {file} cannot be deleted from here: do it where it comes from.", _NOT_ALL
        )
    return _say(f"No envelope uses {key_id}; {file} is deleted. Delete every copy of it, too.")


def _file(folder: Path | None, key_id: str) -> Path | None:
    return next((one for one in _files(folder) if one.stem == key_id), None) if folder else None


def _files(folder: Path) -> Sequence[Path]:
    return [one for one in folder.iterdir() if one.is_file() and not one.name.startswith(".")]


def _told(use: Use) -> str:
    return f"{use.envelopes:>9}  key {use.key_id}  signer {use.signer_id or 'none'}"


def _counted(progress: Progress) -> str:
    return f"resealed {progress.resealed}, overtaken {progress.overtaken}, left as they are {len(progress.refused)}"


def _tell(progress: Progress) -> None:
    _say(_counted(progress))


def _say(text: str, code: int = _DONE) -> int:
    (sys.stderr if code else sys.stdout).write(f"{text}\n")
    sys.stdout.flush()
    return code
