"""Another team installs the contracts by themselves, and gets pydantic, nothing else."""

import json
import subprocess
import sys
from email import message_from_bytes
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

SHARED = Path(__file__).parents[2]
GOLDEN = SHARED / "schemas" / "examples"
_READS: str = """
import importlib.util, json, sys
from pathlib import Path

sys.path[:0] = [WHEEL, PACKAGES]
from contracts.wire import decode
from contracts.documents import asyncapi

said = [json.loads(path.read_text()) for path in Path(GOLDEN).glob("*.json")]
for one in said:
    headers = [(name, value.encode()) for name, value in one["headers"].items()]
    decode(one["topic"], one["key"].encode(), headers, one["value"] and one["value"].encode())
asyncapi()
ours = [name for name in ("icloud", "runtime", "connector", "availability") if importlib.util.find_spec(name)]
print(json.dumps({"decoded": len(said), "ours": ours, "from": sys.modules["contracts"].__file__}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=SHARED / "contracts", check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_the_contracts_and_needs_pydantic_alone(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        (metadata,) = (archive.read(name) for name in archive.namelist() if name.endswith("/METADATA"))

    sources = {f"contracts/{path.name}" for path in (SHARED / "src" / "contracts").iterdir() if path.is_file()}
    assert set(names) == sources
    assert message_from_bytes(metadata).get_all("Requires-Dist") == ["pydantic<3,>=2.7"]


def test_every_golden_message_is_read_where_nothing_else_of_ours_is(wheel: Path) -> None:
    pydantic = find_spec("pydantic")
    assert pydantic is not None
    assert pydantic.origin is not None
    place = {"WHEEL": str(wheel), "PACKAGES": str(Path(pydantic.origin).parents[1]), "GOLDEN": str(GOLDEN)}
    script = "".join(f"{name} = {value!r}\n" for name, value in place.items()) + _READS

    # -S: without the paths that editable installs add.
    done = subprocess.run([sys.executable, "-S", "-P", "-c", script], check=True, capture_output=True, text=True)
    said = json.loads(done.stdout)

    assert said["ours"] == []
    assert said["from"].startswith(str(wheel))
    assert said["decoded"] == len(list(GOLDEN.glob("*.json")))
