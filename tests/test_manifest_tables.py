"""Rights, roles, topics, networks and scaling in the manifests, held to the code and the tables that they come from."""

import json
import math
import re

import pytest

from availability.inbound.kafka import GROUP
from calsync.topic_settings import WANTED
from calsync_bootstrap.topics import ORDER
from contracts.topics import DEAD_CONFIG, EXPORTS, PARTITIONS, SYNC_REQUESTS, TOPICS
from manifests import ROOT, SERVICES, Json, environment, of_kind, pod, rights
from rights import rules

CLUSTERS = ("staging", "production")
TOOLS = ("calsync-admin", "calsync-bootstrap")
OVERDUE = {
    # One Prometheus may see several installations; the demo's sees its own, without a namespace.
    "production": 'max(calsync_sync_overdue_connections{namespace="calsync"})',
    "dev-autoscaled": "max(calsync_sync_overdue_connections)",
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_do_on_kafka_what_its_code_does_and_no_more(service: str) -> None:
    allowed = [(operation, kind, name) for user, operation, kind, name in rights() if user.endswith(f"-{service}")]

    assert set(allowed) == rules(service)
    assert len(allowed) == len(set(allowed))


def test_nobody_else_may_do_anything_on_kafka_but_tools_and_who_looks_at_a_lag() -> None:
    others = {user for user, *_ in rights()} - {f"calsync-kafka-{service}" for service in SERVICES}

    assert others == {"calsync-kafka-keda", *(f"calsync-kafka-{tool}" for tool in TOOLS)}
    assert {operation for user, operation, *_ in rights() if user.endswith("-keda")} == {"Describe"}


def test_an_admin_reads_letters_what_it_compares_and_settings_and_writes_what_letters_came_from() -> None:
    read = {topic.dead for topic in TOPICS} | {topic.name for topic in TOPICS if topic.compacted}
    # Before a letter is sent again: has its appointment's copy a later word?
    read.add(EXPORTS.name)

    assert SYNC_REQUESTS in TOPICS
    assert _allowed("calsync-admin") == {
        *(("Read", "topic", name) for name in read),
        *(("Write", "topic", topic.name) for topic in TOPICS),
        *(("DescribeConfigs", "topic", one.name) for one in WANTED),
    }


def test_who_rebuilds_reads_what_a_timeline_is_made_from_and_writes_nothing() -> None:
    assert _allowed("calsync-bootstrap") == {
        ("Describe", "group", GROUP),
        *(("Read", "topic", topic.name) for topic in ORDER),
    }


def _allowed(tool: str) -> set[tuple[str, ...]]:
    found = [tuple(right) for user, *right in rights() if user == f"calsync-kafka-{tool}"]
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_strimzi_is_told_the_same_topics_and_rights(overlay: str) -> None:
    topics = {one["metadata"]["name"]: one["spec"] for one in of_kind(overlay, "KafkaTopic")}
    contracts = {topic.name: (topic.partitions, dict(topic.config)) for topic in TOPICS}
    contracts |= {topic.dead: (topic.partitions, dict(DEAD_CONFIG)) for topic in TOPICS}
    given = [
        [user["metadata"]["name"], operation, acl["resource"]["type"], acl["resource"]["name"]]
        for user in of_kind(overlay, "KafkaUser")
        for acl in user["spec"]["authorization"]["acls"]
        for operation in acl["operations"]
    ]

    assert {
        name: (spec["partitions"], {key: str(value) for key, value in spec["config"].items()})
        for name, spec in topics.items()
    } == contracts
    assert {spec["replicas"] for spec in topics.values()} == {3}
    assert sorted(given) == sorted(rights())


def test_the_broker_of_development_knows_the_same_users() -> None:
    told = {entry["name"]: entry.get("value", "") for entry in pod("dev", "kafka").main["env"]}
    users = set(re.findall(r"user_([a-z-]+)=", told["KAFKA_LISTENER_NAME_CLIENTS_PLAIN_SASL_JAAS_CONFIG"]))

    assert users == {"admin"} | {f"calsync-kafka-{service}" for service in SERVICES}
    assert told["KAFKA_AUTHORIZER_CLASS_NAME"].endswith("StandardAuthorizer")
    # Without a name one comes only in by the controller's listener, which no other pod reaches.
    assert told["KAFKA_LISTENERS"].endswith("CONTROLLER://127.0.0.1:9093")


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_mongodb_is_told_the_same_roles(overlay: str) -> None:
    (database,) = of_kind(overlay, "MongoDBCommunity")
    roles = {role["role"]: role["privileges"] for role in database["spec"]["security"]["roles"]}
    users = {user["name"]: user["roles"] for user in database["spec"]["users"]}
    wanted = json.loads((ROOT / "deploy/mongodb/roles.json").read_text())

    assert roles == {role["role"]: role["privileges"] for role in wanted}
    assert users == {role["user"]: [{"name": role["role"], "db": "admin"}] for role in wanted}


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_nobody_speaks_to_anybody_unless_told(overlay: str) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(overlay, "NetworkPolicy")}
    anywhere = [
        name
        for name, spec in policies.items()
        for rule in (*spec.get("ingress", ()), *spec.get("egress", ()))
        if not rule.get("from") and not rule.get("to")
    ]
    to_networks = {
        peer["ipBlock"]["cidr"]
        for spec in policies.values()
        for rule in spec.get("egress", ())
        for peer in rule.get("to", ())
        if "ipBlock" in peer
    }

    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert anywhere == []
    assert to_networks == {"17.0.0.0/8", "2620:149::/32", "203.0.113.0/24", "192.0.2.0/24"}
    assert "ingress" not in policies["sync-worker"]


def _scaled(overlay: str) -> dict[str, Json]:
    return {one["metadata"]["name"]: one["spec"] for one in of_kind(overlay, "ScaledObject")}


@pytest.mark.parametrize("overlay", ["dev-autoscaled", "production"])
def test_workers_follow_what_is_overdue_within_the_budget_and_never_to_none(overlay: str) -> None:
    scaled = _scaled(overlay)["sync-worker"]
    (trigger,) = scaled["triggers"]
    budget = int(environment(overlay, "sync-worker")["CALSYNC_ICLOUD_REQUESTS_PER_SECOND"])
    metrics = (ROOT / "services/sync-worker/src/sync_worker/application/metrics.py").read_text()

    assert scaled["minReplicaCount"] >= 1
    assert scaled["maxReplicaCount"] == math.ceil(budget / 15)
    assert trigger["metadata"]["query"] == OVERDUE[overlay]
    assert '"calsync_sync_overdue_connections"' in metrics
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    behavior = scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] > behavior["scaleUp"]["stabilizationWindowSeconds"]
    assert "replicas" not in pod(overlay, "sync-worker").workload["spec"]


def test_availability_follows_its_lag_up_to_one_a_partition() -> None:
    scaled = _scaled("production")["availability"]
    (trigger,) = scaled["triggers"]
    told = environment("production", "availability")

    assert 1 <= scaled["minReplicaCount"] < scaled["maxReplicaCount"] == PARTITIONS
    assert trigger["metadata"]["consumerGroup"] == "availability"
    assert [trigger["metadata"]["topic"]] == [n for u, _, kind, n in rights() if "keda" in u and kind == "topic"]
    host, _, port = told["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"].partition(":")
    assert trigger["metadata"]["bootstrapServers"] == f"{host}.calsync.svc:{port}"
    assert "replicas" not in pod("production", "availability").workload["spec"]
