"""What docker-compose.yml needs before the services start, and tokens for those who then call them.

`python -m local_stack.containers prepare DIR` makes keys below DIR and the topics, as often as it is asked to;
`… token DIR ACCOUNT USER` prints a token.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from icloud.credentials import new_key_pair, new_signing_pair
from local_stack.connector_key import make_connector_key
from local_stack.tokens import EVERY_SCOPE, TokenKeys
from local_stack.topics import make_topics

_KEY_ID: Final = "compose"  # the file's name is the key's id, and the compose file has to know it
_A_DAY: Final = timedelta(days=1)


def prepare(folder: Path) -> None:
    """Leave key pairs that are there as they are."""
    TokenKeys(folder / "platform").make()
    vault = folder / "vault"
    public = vault / "public" / f"{_KEY_ID}.pem"
    if not public.exists():
        pair = new_key_pair(vault)
        # The private key first: with a public key alone everything that is sealed would be lost.
        (pair.private_keys_dir / f"{pair.key_id}.pem").rename(pair.private_keys_dir / f"{_KEY_ID}.pem")
        pair.public_key_file.rename(public)
    signing = vault / "signing" / f"{_KEY_ID}.pem"
    if not signing.exists():
        made = new_signing_pair(vault)
        # Who checks first: what is signed before it is known would be refused.
        (made.signers_dir / f"{made.signer_id}.pem").rename(made.signers_dir / f"{_KEY_ID}.pem")
        made.signing_key_file.rename(signing)
    make_connector_key(folder / "connector" / "connector.key")
    make_topics(os.environ["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"])


def main(arguments: list[str]) -> None:
    """Do as the module's docstring says."""
    match arguments:
        case ["prepare", folder]:
            prepare(Path(folder))
        case ["token", folder, account, user]:
            claims = {"account_id": account, "sub": user, "scope": EVERY_SCOPE}
            print(TokenKeys(Path(folder) / "platform").token(claims, _A_DAY))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
