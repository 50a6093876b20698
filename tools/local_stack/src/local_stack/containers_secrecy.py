"""Who could open what is sealed: a search of containers for the vault's private keys."""

from typing import Final

from local_stack.containers_compose import Composed
from local_stack.errors import CannotGoOn

# Prints the keys' bodies in PEM, one a line.
_KEYS: Final = """
from pathlib import Path
for one in Path("/keys/vault/private").glob("*.pem"):
    print("".join(one.read_text().splitlines()[1:-1]))
"""
# Reads keys, prints where they are: as text, raw, in hex; in every file and every process' environment. What lies below
# /usr is left out: it comes with the base image, and the keys are younger.
_SEARCH: Final = """
import base64, os, sys
keys = [line.strip() for line in sys.stdin if line.strip()]
raw = [base64.b64decode(key)[-32:] for key in keys]
shapes = [shape for key, one in zip(keys, raw) for shape in (key.encode(), one, one.hex().encode())]
def holds(file):
    try:
        with open(file, "rb") as opened:
            content = opened.read()
    except OSError:
        return False
    return any(shape in content for shape in shapes)
places = [os.path.join(folder, name)
          for folder, inside, names in os.walk("/") if not folder.startswith(("/proc", "/sys", "/dev", "/usr"))
          for name in names]
places = [one for one in places if os.path.isfile(one) and not os.path.islink(one)]
places += [f"/proc/{one}/environ" for one in os.listdir("/proc") if one.isdigit()]
print(len(keys))
print(*filter(holds, places), sep="\\n")
"""


def demand_connector_holds_no_private_key(containers: Composed) -> None:
    """Search the connector, and, so that a search that finds nothing means something, a worker. Raises CannotGoOn."""
    keys = containers.run("exec", "-T", "sync-worker", "python", "-c", _KEYS)
    found = {service: _found(containers, service, keys) for service in ("connector", "sync-worker")}
    if found["connector"]:
        msg = f"The connector holds a private key of the vault: {', '.join(found['connector'])}"
        raise CannotGoOn(msg)
    if not found["sync-worker"]:
        msg = "The search for private keys does not even find the workers'"
        raise CannotGoOn(msg)


def _found(containers: Composed, service: str, keys: str) -> list[str]:
    number, *places = containers.run("exec", "-T", service, "python", "-c", _SEARCH, given=keys).splitlines()
    if number == "0":
        msg = "There is no private key to look for"
        raise CannotGoOn(msg)
    return [place for place in places if place]
