import secrets
from pathlib import Path
from typing import Final

_BYTES: Final = 32


def make_connector_key(file: Path) -> None:
    """Write the key that the connector encrypts Apple IDs with, unless it is there."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    arriving = file.with_suffix(".arriving")
    arriving.touch(mode=0o600)
    arriving.write_bytes(secrets.token_bytes(_BYTES))
    arriving.rename(file)
