"""Java and Maven: where they are, whether they are new enough, how to install them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from local_stack.errors import CannotGoOn

NEEDED_JAVA = 17
INSTALL_JAVA = "sudo apt install openjdk-17-jre-headless (macOS: brew install openjdk@17)"
INSTALL_MAVEN = "sudo apt install maven (macOS: brew install maven)"


def find_java() -> str:
    """Return a Java of 17 or newer: $JAVA_HOME's, else the one on the PATH. Raises CannotGoOn."""
    home = os.environ.get("JAVA_HOME")
    candidate = str(Path(home, "bin", "java")) if home else "java"
    program = shutil.which(candidate)
    version = _version(program) if program else None
    if program is None or version is None:
        msg = f"Java {NEEDED_JAVA} or newer is missing; Kafka needs it. Install it: {INSTALL_JAVA}"
        raise CannotGoOn(msg)
    if version < NEEDED_JAVA:
        msg = f"Java {version} at {program} is too old; Kafka needs {NEEDED_JAVA} or newer. Install it: {INSTALL_JAVA}"
        raise CannotGoOn(msg)
    return program


def find_maven() -> str:
    """Return Maven's program. Raises CannotGoOn."""
    program = shutil.which("mvn")
    if program is None:
        msg = f"Maven is missing; it fetches Kafka. Install it: {INSTALL_MAVEN}"
        raise CannotGoOn(msg)
    return program


def java_version(text: str) -> int | None:
    """Read the major version out of `java -version`; None when there is none. 1.8 is Java 8."""
    found = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2] or 0)
    return minor if major == 1 else major


def _version(program: str) -> int | None:
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    return java_version(answer.stderr + answer.stdout)
