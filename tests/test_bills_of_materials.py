"""There is a bill of materials for each image, of all that the Dockerfile lays into it."""

import re
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MADE = runpy.run_path(str(ROOT / "tools/sbom/make_sbom.py"))
IMAGES: Mapping[str, tuple[tuple[str, ...], str]] = MADE["IMAGES"]
SERVICES = ("connector", "sync-worker", "availability")


def stages() -> Mapping[str, list[str]]:
    """The Dockerfile's lines by stage; the first of each says what it is made from."""
    parts = re.split(r"^(?=FROM )", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    return {part.split()[3]: part.splitlines() for part in parts}


def locks_of(stage: str) -> Iterator[str]:
    """What a stage installs, that of the stages before it and of those that it copies from included."""
    for line in stages()[stage]:
        if found := re.match(r"FROM (\S+) AS |COPY --from=(\S+)", line):
            before = found[1] or found[2]
            yield from locks_of(before) if before in stages() else ()
        elif found := re.match(r"COPY requirements/(\S+) ", line):
            yield found[1]


def locked(lock: str) -> set[tuple[str, str]]:
    text = (ROOT / "requirements" / lock).read_text()
    return set(re.findall(r"^([\w.-]+)(?:\[.*?\])?==([\w.]+)", text, re.MULTILINE))


def test_each_image_of_the_dockerfile_has_one_of_everything_that_it_installs() -> None:
    titled = {name for name, lines in stages().items() if any("image.title=" in line for line in lines)}
    images = {image: "service" if image in SERVICES else image for image in [*(titled - {"service"}), *SERVICES]}

    assert {image: set(locks) for image, (locks, _) in IMAGES.items()} == {
        image: set(locks_of(stage)) for image, stage in images.items()
    }


def test_the_dependency_policy_names_every_lock_that_an_image_installs() -> None:
    (named,) = re.findall(r"requirements/\{(.*?)\}\.txt", (ROOT / "docs/dependencies.md").read_text())

    assert {f"{one}.txt" for one in named.split(",")} >= {lock for locks, _ in IMAGES.values() for lock in locks}


@pytest.mark.parametrize("image", ["admin"])
def test_a_bill_holds_each_package_of_its_locks_once_with_hashes(image: str) -> None:
    locks, project = IMAGES[image]

    bill: dict[str, Any] = MADE["bill"](locks, project, {})

    held = [(one["name"], one["version"]) for one in bill["components"]]
    assert sorted(held) == sorted(set().union(*map(locked, locks)))
    assert all(one["externalReferences"][0]["hashes"] for one in bill["components"])
