"""What the machine lacks is said in words that help."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from local_stack import checks
from local_stack.checks import demand_enough_disk
from local_stack.errors import CannotGoOn
from local_stack.fetch import fetch_kafka, kafka_is_here
from local_stack.java import find_java, java_version
from local_stack.ports import demand_free, free_ports, is_free
from local_stack.setup import set_up

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts programs of its own on the PATH, which holds nothing else but the shell's."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(bin_dir))

    def put(name: str, script: str) -> Path:
        file = bin_dir / name
        file.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        file.chmod(0o755)
        return file

    return put


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_401"', 8),
        ("command not found", None),
    ],
)
def test_javas_version_is_read(said: str, version: int | None) -> None:
    assert java_version(said) == version


@pytest.mark.usefixtures("program")
def test_missing_java_is_named_with_its_install_command() -> None:
    with pytest.raises(CannotGoOn, match=r"Java 17 or newer is missing.*apt install openjdk-17-jre-headless"):
        find_java()


def test_old_java_is_named_with_its_version(program: Program) -> None:
    program("java", "echo 'openjdk version \"11.0.2\"' >&2")

    with pytest.raises(CannotGoOn, match=r"Java 11 at .* is too old.*apt install openjdk-17-jre-headless"):
        find_java()


def test_new_java_is_taken(program: Program) -> None:
    java = program("java", "echo 'openjdk version \"21.0.2\"' >&2")

    assert find_java() == str(java)


def test_missing_maven_is_named_with_its_install_command(tmp_path: Path, program: Program) -> None:
    del program

    with pytest.raises(CannotGoOn, match=r"Maven is missing.*apt install maven"):
        fetch_kafka(tmp_path / "kafka")


_COPY = 'for word; do case "$word" in -DoutputDirectory=*) target="${word#*=}";; esac; done; mkdir -p "$target"'


def test_kafka_is_fetched_once(tmp_path: Path, program: Program) -> None:
    program("mvn", f'{_COPY}; echo jar > "$target/kafka.jar"; echo called >> "{tmp_path}/calls"')

    jars = [fetch_kafka(tmp_path / "kafka"), fetch_kafka(tmp_path / "kafka")]

    assert jars == [tmp_path / "kafka"] * 2
    assert (tmp_path / "kafka" / "kafka.jar").read_text() == "jar\n"
    assert (tmp_path / "calls").read_text() == "called\n"


def test_a_fetch_that_broke_off_is_not_taken_for_a_whole_one(tmp_path: Path, program: Program) -> None:
    program("mvn", f'{_COPY}; echo half > "$target/kafka.jar"; echo "no route to host"; exit 1')
    with pytest.raises(CannotGoOn, match=r"Is the network there\?[\s\S]*no route to host"):
        fetch_kafka(tmp_path / "kafka")
    assert not kafka_is_here(tmp_path / "kafka")

    program("mvn", f'{_COPY}; echo whole > "$target/kafka.jar"')
    fetch_kafka(tmp_path / "kafka")

    assert kafka_is_here(tmp_path / "kafka")
    assert (tmp_path / "kafka" / "kafka.jar").read_text() == "whole\n"


@pytest.mark.usefixtures("program")
def test_set_up_names_everything_that_is_missing_at_once(tmp_path: Path) -> None:
    with pytest.raises(CannotGoOn, match=r"apt install openjdk-17[\s\S]*apt install maven"):
        set_up(print, tmp_path / "kafka")


def test_set_up_says_what_it_fetches_and_then_nothing(tmp_path: Path, program: Program) -> None:
    program("java", "echo 'openjdk version \"17.0.2\"' >&2")
    program("mvn", f'{_COPY}; echo jar > "$target/kafka.jar"')
    said: list[str] = []

    set_up(said.append, tmp_path / "kafka")
    set_up(said.append, tmp_path / "kafka")

    assert said == ["Fetching Apache Kafka (54 MB, once)"]


def test_a_taken_port_is_named_with_who_sits_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(CannotGoOn, match=rf"Port {port}, which connector needs, is taken by .*--ports auto"):
            demand_free("connector", port)


def test_free_ports_are_free_and_different() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    assert all(map(is_free, ports))


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "NEEDED_BYTES", 2**60)

    with pytest.raises(CannotGoOn, match=r"GiB are free on the disk of .*Make room"):
        demand_enough_disk(tmp_path / "not" / "yet" / "there")
