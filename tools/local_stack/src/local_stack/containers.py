"""The one-shot jobs of docker-compose.yml, each as often as it is asked for, and tokens for callers.

python -m local_stack.containers secrets DIR                 keys and passwords below DIR
python -m local_stack.containers keyfile FILE                what MongoDB's members know each other by
python -m local_stack.containers mongodb DIR                 replica set, roles, users, with the passwords below DIR
python -m local_stack.containers topics                      Kafka's topics with their exact settings
python -m local_stack.containers token DIR ACCOUNT USER      prints a bearer token that lasts a day
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from local_stack.containers_mongodb import ADMIN, begin, give_roles, roles_from, signed_in
from local_stack.containers_secrets import make_keyfile, make_keys, make_passwords, passwords_in
from local_stack.errors import CannotGoOn
from local_stack.tokens import EVERY_SCOPE, TokenKeys
from local_stack.topics import make_topics

_A_DAY: Final = timedelta(days=1)
# Where the compose file's MongoDB is, for others and for itself: this job shares its network.
_MEMBER: Final = "mongodb:27017"
_ITSELF: Final = "127.0.0.1:27017"
_REPLICA_SET: Final = "rs0"
_TABLE: Final = Path("/opt/deploy/mongodb/roles.json")


def _make_secrets(folder: Path) -> None:
    make_keys(folder)
    make_passwords(folder / "mongodb", roles_from(_TABLE), host=_MEMBER, replica_set=_REPLICA_SET)


def _prepare_mongodb(folder: Path) -> None:
    roles, password = roles_from(_TABLE), (folder / ADMIN / "password").read_text()
    begin(_ITSELF, member=_MEMBER, replica_set=_REPLICA_SET, password=password)
    with signed_in(_ITSELF, password) as admin:
        give_roles(admin, roles, passwords_in(folder, roles))


def main(arguments: list[str]) -> None:
    """Do as the module's docstring says."""
    match arguments:
        case ["secrets", folder]:
            _make_secrets(Path(folder))
        case ["keyfile", file]:
            make_keyfile(Path(file))
        case ["mongodb", folder]:
            _prepare_mongodb(Path(folder))
        case ["topics"]:
            make_topics(os.environ["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"])
        case ["token", folder, account, user]:
            claims = {"account_id": account, "sub": user, "scope": EVERY_SCOPE}
            print(TokenKeys(Path(folder) / "platform").token(claims, _A_DAY))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CannotGoOn as reason:
        sys.exit(str(reason))
