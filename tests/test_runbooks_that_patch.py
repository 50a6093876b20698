"""What runbooks patch is there to be patched, and nothing of it is set back by who scales."""

import json
import re
from collections.abc import Iterator, Sequence

from manifests import Json, of_kind, rendered
from runbooks import runbooks

CLAIM: Json = {"spec": {"resources": {"requests": {"storage": ""}}}}


def test_a_patch_changes_something_that_the_manifests_hold() -> None:
    made = {(one["kind"].lower(), one["metadata"]["name"]): one for one in rendered("production")}
    made |= {("pvc", name): CLAIM for name in claims_of_mongodb()}

    patches = [(one.name, words) for one in runbooks() for words in one.commands("kubectl") if "patch" in words]

    assert {name for name, _ in patches} >= {"http-slow", "disk-fills"}
    for name, words in patches:
        kind, one = words[words.index("patch") + 1 :][:2]
        patch = json.loads(words[words.index("-p") + 1])
        for path in patched(patch):
            assert value_at(made[kind, one], path) is not None, (name, words)


def test_what_keda_scales_is_scaled_by_its_bounds_and_back_to_those_of_the_overlay() -> None:
    scaled = {one["metadata"]["name"]: one for one in of_kind("production", "ScaledObject")}
    (slow,) = (one for one in runbooks() if one.name == "http-slow")
    back = re.findall(r"patch scaledobject (\S+) .*'(\{.*?\})'", slow.sections["Undo"])

    assert [(name, json.loads(patch)["spec"]["minReplicaCount"]) for name, patch in back] == [
        ("availability", scaled["availability"]["spec"]["minReplicaCount"])
    ]
    # `scale` alone would be set back: who reads of it reads of KEDA beside it.
    for one in runbooks():
        for part in re.split(r"^(?=\* |\d\. )", "".join(one.sections.values()), flags=re.MULTILINE):
            scales = [command for command in re.findall(r"`(kubectl [^`]*)`", part) if " scale " in command]
            named = [name for command in scales for name in scaled if f"deploy/{name}" in command]
            assert not named or "KEDA" in part, (one.name, part)


def claims_of_mongodb() -> Iterator[str]:
    """As the StatefulSet of its operator names them."""
    ((name, spec),) = ((one["metadata"]["name"], one["spec"]) for one in of_kind("production", "MongoDBCommunity"))
    for claim in spec["statefulSet"]["spec"]["volumeClaimTemplates"]:
        yield from (f"{claim['metadata']['name']}-{name}-{n}" for n in range(spec["members"]))


def patched(patch: object, *above: str) -> Iterator[Sequence[str]]:
    """Where a patch, a merge or a list of replacements, puts something."""
    if isinstance(patch, list):
        assert all(one["op"] == "replace" for one in patch)
        yield from (one["path"].strip("/").split("/") for one in patch)
    elif isinstance(patch, dict):
        for key, value in patch.items():
            yield from patched(value, *above, key)
    else:
        yield above


def value_at(one: object, path: Sequence[str]) -> object:
    for step in path:
        if isinstance(one, list):
            one = one[int(step)]
        else:
            assert isinstance(one, dict), path
            one = one[step]
    return one
