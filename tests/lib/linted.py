"""What checkov, an outside linter, says of manifests, and what of it is excused in deploy/k8s/excused.yaml."""

import json
import os
import select
import socket
import subprocess
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from manifests import KUBERNETES, OVERLAYS, ROOT, Json

LAID = ROOT / ".servers/checkov"
_PATIENCE_SECONDS = 300


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that a check has against a resource, by the resource's own name: a pod is named as its workload is."""

    check: str
    name: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that was found, and the resources that were looked at, by kind and name."""

    found: frozenset[Finding]
    seen: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a check may be broken in an overlay: by these pods, or by any if there are none."""

    check: str
    why: str
    pods: frozenset[str]

    def covers(self, finding: Finding) -> bool:
        return finding.check == self.check and (not self.pods or finding.name in self.pods)

    def needless(self, found: Collection[Finding]) -> bool:
        """Whether it could go, or could name fewer pods."""
        names = {one.name for one in found if one.check == self.check}
        return not names or not names.issuperset(self.pods)


def excuses(overlay: str) -> list[Excuse]:
    """Those for an overlay. Refuses words that it does not know, and an excuse without a reason."""
    return [
        Excuse(one["check"], one["why"], frozenset(one.get("pods", ())))
        for one in yaml.safe_load((KUBERNETES / "excused.yaml").read_text())
        if overlay in _overlays(one)
    ]


def _overlays(excuse: Json) -> tuple[str, ...]:
    overlays = tuple(excuse.get("overlays", OVERLAYS))
    assert {"check", "why"} <= excuse.keys() <= {"check", "why", "overlays", "pods"}, excuse
    assert excuse["why"], excuse
    assert set(overlays) <= set(OVERLAYS), excuse
    return overlays


def unexcused(overlay: str, found: Collection[Finding]) -> list[Finding]:
    return sorted(one for one in found if not any(excuse.covers(one) for excuse in excuses(overlay)))


def verdict(manifests: Path, home: Path) -> Verdict:
    """What checkov says of one overlay. One at a time: it would take the network policies of one for those of another.

    It asks nobody outside. Fails the test where it tried, or where it could not read something.
    """
    with _nobody() as proxy:
        done = subprocess.run(
            _command(manifests),
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home),  # it reads options and tokens there
                "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true",  # it asks for its own newest version otherwise
                "GIT_PYTHON_REFRESH": "quiet",  # no git is needed
                **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy),
            },
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert results["parsing_errors"] == [], results["parsing_errors"]
    failed, passed = results["failed_checks"], results["passed_checks"]
    found = frozenset(Finding(one["check_id"], _kind_and_name(one)[1]) for one in failed)
    return Verdict(found, frozenset(map(_kind_and_name, (*failed, *passed))))


def _command(manifests: Path) -> Sequence[str | Path]:
    """Where there is no checkov the test is skipped; in CI, where nobody would see that, it fails."""
    if not (LAID / ".set-up").exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no checkov; tools/checkov.sh sees to it")
    # --soft-fail: findings are not an error of its own. --skip-download: no texts from its maker's service.
    options = ("--framework", "kubernetes", "--soft-fail", "--skip-download", "--output", "json")
    return (LAID / "bin/python", "-I", "-m", "checkov.main", *options, "--file", manifests)


def _kind_and_name(result: Json) -> tuple[str, str]:
    """Out of `Deployment.calsync.connector`, or `Pod.calsync.connector.` and its labels."""
    kind, _, name, *_ = str(result["resource"]).split(".")
    return kind, name


@contextmanager
def _nobody() -> Iterator[str]:
    """A proxy that answers nobody, and fails the test if somebody came."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        came, _, _ = select.select([listening], [], [], 0)
        assert not came, "it asked somebody outside"
