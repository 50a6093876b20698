"""Names and versions of distributions whose code is copied, not installed: `containers_metadata.py INTO PYPROJECT…`.

A process asks the interpreter for its own version, and scanners ask for everybody's. Imports nothing of ours.
"""

import sys
import tomllib
from pathlib import Path


def tell(into: Path, pyproject: Path) -> None:
    """Write what pip would have left behind (Core metadata 2.1), as far as anybody reads it."""
    project = tomllib.loads(pyproject.read_text())["project"]
    name, version = project["name"], project["version"]
    folder = into / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Summary: {project['description']}"]
    (folder / "METADATA").write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    for one in sys.argv[2:]:
        tell(Path(sys.argv[1]), Path(one))
