"""What the operators of MongoDB and Kafka make from our resources, as far as we tell them."""

import re

import pytest
import yaml

from contracts.topics import TOPICS
from custom_resources import check
from manifests import ROOT, Json, Pod, not_restricted, of_kind, parsed

CLUSTERS = ("staging", "production")
# Named after what the operator calls them; one that it does not know would be added, without an image.
MONGODB_CONTAINERS = {"mongod", "mongodb-agent", "mongod-posthook", "mongodb-agent-readinessprobe"}
MONGODB_VOLUMES = {"data-volume", "logs-volume"}
"""The operator makes both for each member."""
READERS = {"calsync.crococlick/topic-reader": "true"}
NUMBERS = {9: "nine"}


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
