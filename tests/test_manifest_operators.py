"""What the operators of MongoDB and Kafka make from our resources, as far as we tell them."""

import re

import pytest
import yaml

from contracts.topics import TOPICS
from custom_resources import check
from manifests import ROOT, SERVICES, Json, Pod, not_restricted, of_kind, parsed

CLUSTERS = ("staging", "production")
# Named after what the operator calls them; one that it does not know would be added, without an image.
MONGODB_CONTAINERS = {"mongod", "mongodb-agent", "mongod-posthook", "mongodb-agent-readinessprobe"}
MONGODB_VOLUMES = {"data-volume", "logs-volume"}
"""The operator makes both for each member."""
READERS = {"calsync.crococlick/topic-reader": "true"}
NUMBERS = {9: "nine"}
LEAST_OPLOG = 990
"""Megabytes that MongoDB takes at least."""


def _one(overlay: str, kind: str) -> Json:
    (found,) = of_kind(overlay, kind)
    spec: Json = found["spec"]
    return spec


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_mongodbs_pods_are_let_into_a_restricted_namespace_whatever_the_operators_defaults_are(overlay: str) -> None:
    (resource,) = of_kind(overlay, "MongoDBCommunity")
    made = Pod(resource, _one(overlay, "MongoDBCommunity")["statefulSet"]["spec"]["template"]["spec"])

    assert {container["name"] for container in made.containers} == MONGODB_CONTAINERS
    assert not_restricted(made) == []
    # The data belong to this user: the operator's own default.
    assert (made.spec["securityContext"]["runAsUser"], made.spec["securityContext"]["fsGroup"]) == (2000, 2000)


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_the_guide_counts_the_volumes(overlay: str) -> None:
    guide = (ROOT / "docs/deployment.md").read_text()

    kafka = sum(
        pool["spec"]["replicas"] * len(pool["spec"]["storage"]["volumes"]) for pool in of_kind(overlay, "KafkaNodePool")
    )
    mongodb = _one(overlay, "MongoDBCommunity")["members"] * len(MONGODB_VOLUMES)

    assert f"for {NUMBERS[kafka + mongodb]} volumes" in guide


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_the_oplog_which_keeps_what_was_erased_is_as_small_as_the_papers_say(overlay: str) -> None:
    megabytes = _one(overlay, "MongoDBCommunity")["additionalMongodConfig"]["replication"]["oplogSizeMB"]

    assert megabytes >= LEAST_OPLOG
    for paper in ("docs/capacity.md", "docs/threat-model.md", "ARCHITECTURE.md"):
        assert f"{megabytes:,} MB" in (ROOT / paper).read_text(), paper


def test_the_key_policy_tells_how_each_password_is_changed() -> None:
    head = "\n## Passwords of MongoDB and Kafka, and Kafka's authority\n"
    _, section = (ROOT / "docs/key-policy.md").read_text().split(head)
    users = _one("production", "MongoDBCommunity")["users"]
    secrets = [user["passwordSecretRef"]["name"] for user in users]
    secrets += [user["metadata"]["name"] for user in of_kind("production", "KafkaUser")]

    for secret in secrets:
        name = re.sub("^calsync-(mongodb-password|kafka)-", "", secret)
        assert secret in section or f"`{name}`" in section or f"`-{name}`" in section, secret
    rolled = {word for line in re.findall("rollout restart .*", section) for word in line.split() if "deploy/" in word}
    assert rolled == {f"deploy/{service}" for service in SERVICES}


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_kafka_lets_in_by_strimzis_own_policy_whom_ours_lets_in(overlay: str) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(overlay, "NetworkPolicy")}
    listeners = _one(overlay, "Kafka")["kafka"]["listeners"]

    for listener in listeners:
        of_this = [rule for rule in policies["kafka"]["ingress"] if listener["port"] in _ports(rule)]
        assert listener["networkPolicyPeers"] == [peer for rule in of_this for peer in rule["from"]], listener["name"]


def _ports(rule: Json) -> list[int]:
    return [port["port"] for port in rule.get("ports", ())]


def test_the_example_of_a_reader_of_another_team_may_read_and_no_more() -> None:
    guide = (ROOT / "docs/consumers.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    (user,) = parsed(block)
    peers = _one("production", "Kafka")["kafka"]["listeners"][0]["networkPolicyPeers"]
    acls = [(acl["resource"]["type"], set(acl["operations"])) for acl in user["spec"]["authorization"]["acls"]]
    topics = {acl["resource"]["name"] for acl in user["spec"]["authorization"]["acls"] if _is_topic(acl)}

    check(user)
    assert sorted(acls, key=str) == [("group", {"Read"}), *[("topic", {"Read", "Describe"})] * len(topics)]
    assert topics < {topic.name for topic in TOPICS}
    assert {"namespaceSelector": {"matchLabels": READERS}} in peers
    assert yaml.safe_dump(READERS).strip().replace("'", '"') in guide


def _is_topic(acl: Json) -> bool:
    return bool(acl["resource"]["type"] == "topic")
