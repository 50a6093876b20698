"""docs/runbooks: one for each alarm, all of one shape, with commands that exist and, the first ones, that run."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from apple_users import AppleUsers, Person
from calsync_keys.app import parser as key_tool
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until
from prometheus_tools import rules
from runbooks import FOLDER, ROOT, SECTIONS, Runbook, beside_a_stack, parsed_calsync, runbooks

WRITES = {
    "pause",
    "renew",
    "resume",
    "resync",
    "retell",
    "disconnect",
    "confirm",
    "drop",
    "--icloud",
    "retry",
    "replay",
    "set",
    "clear",
    "create",
    "reseal",
    "retire",
    "apply",
    "erase",
}
KUBECTL = {
    *("get", "logs", "describe", "rollout", "scale", "top", "exec", "uncordon", "drain", "apply", "set", "delete"),
    *("patch", "annotate"),
}

CHANGES = {"scale", "undo", "restart", "delete", "apply", "set", "patch", "annotate"}


def alerts() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "deploy/prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    yield rule["alert"], rule["annotations"]["runbook"]


def all_commands(program: str) -> list[tuple[str, list[str]]]:
    return [(one.name, words) for one in runbooks() for words in one.commands(program)]


@pytest.mark.parametrize(("alert", "runbook"), list(alerts()))
def test_each_alarm_has_a_runbook_that_names_it(alert: str, runbook: str) -> None:
    assert f"`{alert}`" in (ROOT / runbook).read_text(encoding="utf-8")


@pytest.mark.parametrize("runbook", runbooks(), ids=lambda one: one.name)
def test_each_runbook_has_the_same_parts_in_the_same_order(runbook: Runbook) -> None:
    assert tuple(runbook.sections) == SECTIONS
    assert all(text.strip() for text in runbook.sections.values())
    assert len(runbook.first_commands) == 3


def test_the_list_names_each_runbook_once() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert all(listed.count(f"]({one.name}.md)") == 1 for one in runbooks())


def test_what_makes_calsync_work_beside_a_local_stack_is_told_alike_in_both_places() -> None:
    block = beside_a_stack(FOLDER / "README.md")

    assert beside_a_stack(ROOT / "docs/admin.md") == block
    assert len(block.splitlines()) == 3


def test_each_command_of_calsync_exists_with_its_options() -> None:
    for name, words in all_commands("calsync"):
        print(name, words)  # the one before an error is the one that is wrong
        parsed_calsync(words)


def test_each_command_of_the_key_tool_exists_with_its_options() -> None:
    commands = all_commands("calsync-keys")

    assert {words[0] for _, words in commands} == {"create", "reseal", "status", "retire"}
    for name, words in commands:
        print(name, words)  # the one before an error is the one that is wrong
        key_tool().parse_args(words)


def test_the_first_three_commands_change_nothing() -> None:
    first = [line.split() for one in runbooks() for line in one.first_commands if one.name != "erasure-asked"]

    assert not [words for words in first if words[0] == "calsync" and WRITES & set(words)]
    assert not [words for words in first if words[0] == "kubectl" and CHANGES & set(words)]


def test_each_command_of_kubectl_names_what_the_manifests_hold() -> None:
    rendered = yaml.safe_load_all((ROOT / "deploy/k8s/rendered/production.yaml").read_text(encoding="utf-8"))
    deployments = {f"deploy/{one['metadata']['name']}" for one in rendered if one and one["kind"] == "Deployment"}

    for name, words in all_commands("kubectl"):
        assert KUBECTL & set(words), (name, words)
        named = [word for word in words if word.startswith("deploy/") and not (ROOT / word).is_file()]
        assert not [word for word in named if word not in deployments], (name, words)


def test_logs_are_asked_of_every_pod_and_of_a_former_process_by_its_pods_name() -> None:
    asked = [(name, words) for name, words in all_commands("kubectl") if "logs" in words]

    assert asked
    for name, words in asked:
        # A Deployment stands for one of its pods, and for the one that is well.
        deployments = [word for word in words if word.startswith("deploy/")]
        assert ("--all-pods" in words) == bool(deployments), (name, words)
        assert not (deployments and "--previous" in words), (name, words)


@pytest.mark.parametrize(("alert", "runbook"), list(alerts()))
def test_an_alarm_that_names_an_address_is_told_whose_it_is(alert: str, runbook: str) -> None:
    (rule,) = (one for one in rules() if one.get("alert") == alert)

    by_address = "$labels.instance" in "".join(rule["annotations"].values())

    assert not by_address or "get pods -o wide" in (ROOT / runbook).read_text(encoding="utf-8")


@pytest.mark.parametrize("guide", ["deployment", "upgrade"])
def test_an_apply_takes_back_what_a_runbook_has_changed(guide: str) -> None:
    text = (ROOT / f"docs/{guide}.md").read_text(encoding="utf-8")

    applies = re.findall(r"^kubectl (?:apply|diff) .*-k .*$", text, re.MULTILINE)

    assert applies
    assert [line for line in applies if "--server-side --force-conflicts " not in line] == []


@pytest.mark.servers
@pytest.mark.story
def test_the_first_commands_of_each_runbook_run(stack: LocalStack, users: AppleUsers, tmp_path: Path) -> None:
    person = users.person()
    made = person.crococlick.connect(person.apple.apple_id, person.apple.app_password)
    assert wait_until(lambda: users.state(person) == "fresh", seconds=60)
    given = _given(stack, person, made.json()["id"], tmp_path)
    first = {line for one in runbooks() for line in one.first_commands if line.startswith("calsync ")}

    told = {line: _run(line, given) for line in sorted(first) if not line.startswith("calsync erase")}

    wrong = {line: done.stdout + done.stderr for line, done in told.items() if done.returncode not in {0, 1}}
    assert wrong == {}
    rebuilt = _run("python -m calsync_bootstrap verify", given)  # as consumers.md has it
    assert "compared within" in rebuilt.stdout, rebuilt.stdout + rebuilt.stderr


def _given(stack: LocalStack, person: Person, connection_id: str, folder: Path) -> dict[str, str]:
    """What the three lines leave in the shell of somebody who has set nothing, and the ids."""
    account, left = person.crococlick.account, folder / "left"
    block, data = beside_a_stack(FOLDER / "README.md"), stack.log_file("connector").parents[1]
    here = {".local/": f"{data}/", "local_stack token": f"local_stack token --data {data}", "acc-demo": account}
    for told, meant in here.items():
        assert block.count(told) == 1
        block = block.replace(told, meant)
    _run(f"set -e\n{block}env -0 > {shlex.quote(str(left))}", {"PATH": "/usr/bin:/bin"}).check_returncode()
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    ids = {"CONNECTION": connection_id, "ACCOUNT": account, "USER_ID": person.user, "DAY": day}
    return dict(one.split("=", 1) for one in left.read_text().split("\0") if one) | ids


def _run(line: str, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line], env=given, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
