"""`calsync keys …`."""
# ruff: noqa: PLC0415 - what a command does is brought in when it is called: --help must not wait for it

from pathlib import Path
from typing import Annotated

import typer

from calsync.commands.common import group
from calsync.session import session_of

app = group("The vault's keys (docs/key-policy.md): make, change, retire them.")


@app.command()
def status(context: typer.Context) -> None:
    """How many envelopes each key and each signer has."""
    from calsync.vault_keys import status as do

    session = session_of(context)
    session.run(do(session))


@app.command()
def create(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="Below it, files are made.", show_default=False)],
    *,
    signing: Annotated[bool, typer.Option("--signing", help="A pair to sign with, not one to seal with.")] = False,
) -> None:
    """Make a key pair."""
    from calsync.other_tools import KEYS, use

    session = session_of(context)
    arguments = ["create", str(directory), *(["--signing"] if signing else [])]
    session.run(use(session, KEYS, arguments, "Make a key pair?"))


@app.command()
def reseal(  # noqa: PLR0913 - as many as the tool has options
    context: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="KEY_ID", help="The key to seal for.", show_default=False)],
    per_second: Annotated[float, typer.Option(help="Envelopes a second at most.")] = 50.0,
    signed_by: Annotated[
        list[str] | None, typer.Option(metavar="SIGNER_ID", help="Also what this signer signed.")
    ] = None,
    *,
    accept_unsigned: Annotated[bool, typer.Option("--accept-unsigned", help="Sign what nobody has signed.")] = False,
    all_refused: Annotated[bool, typer.Option("--all-refused", help="Name all that is left as it is.")] = False,
) -> None:
    """Seal what is sealed for other keys, while everything runs."""
    from calsync.other_tools import KEYS, use

    session = session_of(context)
    signers = [word for one in signed_by or () for word in ("--signed-by", one)]
    arguments = ["reseal", "--to", to, "--per-second", str(per_second), *signers]
    arguments += ["--accept-unsigned"] if accept_unsigned else []
    arguments += ["--all-refused"] if all_refused else []
    session.run(use(session, KEYS, arguments, f"Seal all envelopes for {to}?"))


@app.command()
def retire(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="A key or a signer.", show_default=False)],
) -> None:
    """Delete a key's file here, unless envelopes use it."""
    from calsync.other_tools import KEYS, use

    session = session_of(context)
    session.run(use(session, KEYS, ["retire", key_id], f"Delete the key {key_id} here?"))
