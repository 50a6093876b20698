"""CycloneDX bills of materials: what each image holds, with the hashes of the lock and the licences of the packages.

    python tools/sbom/make_sbom.py FOLDER

The lock (`requirements/*.txt`) says what there is; licences come from the same packages, installed in this environment.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
IMAGES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "connector": (("runtime.txt",), "services/connector/pyproject.toml"),
    "sync-worker": (("runtime.txt",), "services/sync-worker/pyproject.toml"),
    "availability": (("runtime.txt",), "services/availability/pyproject.toml"),
    "admin": (("runtime.txt", "admin.txt"), "tools/calsync/pyproject.toml"),
    "preparation": (("runtime.txt",), "tools/local_stack/pyproject.toml"),
    "simulator": (("runtime.txt", "simulator.txt"), "tools/icloud_simulator/pyproject.toml"),
}
"""Every image of the Dockerfile, with the locks that it installs, the later ones over the earlier."""

_ENTRY: Final = re.compile(r"^(?P<name>[\w.-]+)(?:\[[^\]]*\])?==.*(?:\n[ \t]+\S.*)*$", re.MULTILINE)

Json = dict[str, Any]


def bill(locks: Sequence[str], project: str, licences: dict[str, list[Json]]) -> Json:
    """The bill of one image. What has no known licence is in it, without one: nothing is left out silently."""
    made = _cyclonedx(
        "requirements", "-", "--pyproject", str(ROOT / project), text="\n".join(_packages(locks).values())
    )
    for component in made.get("components", ()):
        component["licenses"] = licences.get(_name(component), [])
    return made


def _packages(locks: Iterable[str]) -> dict[str, str]:
    """The locks' entries with their hashes, by name."""
    texts = ((ROOT / "requirements" / lock).read_text(encoding="utf-8") for lock in locks)
    return {found["name"].lower(): found[0] for text in texts for found in _ENTRY.finditer(text)}


def licences_here() -> dict[str, list[Json]]:
    """Licences by name, of everything that is installed beside us."""
    installed = _cyclonedx("environment", sys.executable)
    return {_name(one): one.get("licenses", []) for one in installed["components"]}


def main(folder: Path) -> int:
    """Write one file per image; 1 where a licence is unknown."""
    folder.mkdir(parents=True, exist_ok=True)
    licences, unknown = licences_here(), set[str]()
    for image, (locks, project) in IMAGES.items():
        made = bill(locks, project, licences)
        (folder / f"{image}.cdx.json").write_text(json.dumps(made, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        # What is for other machines (`; sys_platform == "win32"`) is not installed here.
        unknown |= {_name(one) for one in made["components"] if _name(one) in licences and not one["licenses"]}
        print(f"{image}: {len(made['components'])} components")
    for name in sorted(unknown):
        print(f"no licence known: {name}", file=sys.stderr)
    return 1 if unknown else 0


def _cyclonedx(*arguments: str, text: str = "") -> Json:
    command = [sys.executable, "-m", "cyclonedx_py", *arguments, "--output-reproducible", "--no-validate"]
    made = subprocess.run(command, check=True, capture_output=True, input=text.encode())
    return json.loads(made.stdout)  # type: ignore[no-any-return]


def _name(component: Json) -> str:
    return str(component["name"]).lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
