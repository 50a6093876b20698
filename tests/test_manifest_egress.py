"""The one way out of the cluster, as the manifests have it: who may take it, and whom it lets through."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import yaml

from manifests import BY_HAND, OVERLAYS, SERVICES, Json, environment, of_kind, pod, pods

CLUSTERS = ("staging", "production")
TALKERS = ("connector", "sync-worker")
APPLES_NETWORKS = {"17.0.0.0/8", "2620:149::/32"}
PLATFORMS_NETWORK = "203.0.113.0/24"
KUBERNETES_API = "192.0.2.0/24"
PROXY = "egress-proxy"


def _applies(selector: Json, labels: Json) -> bool:
    matched: bool = selector.get("matchLabels", {}).items() <= labels.items()
    for one in selector.get("matchExpressions", ()):
        assert one["operator"] == "In", "teach this function about it"
        matched = matched and labels.get(one["key"]) in one["values"]
    return matched


def _ways_out(overlay: str, name: str) -> Iterator[tuple[Json, set[int]]]:
    """Everybody whom the pods of this name may speak to, with the ports; no ports: any."""
    for policy in of_kind(overlay, "NetworkPolicy"):
        if _applies(policy["spec"]["podSelector"], _labels(overlay, name)):
            for rule in policy["spec"].get("egress", ()):
                assert rule.get("to"), "to anybody"
                yield from ((peer, {port["port"] for port in rule.get("ports", ())}) for peer in rule["to"])


def _of_operators(overlay: str) -> dict[str, Json]:
    """The labels of pods that operators make from our resources."""
    (mongodb,) = of_kind(overlay, "MongoDBCommunity")
    (kafka,) = of_kind(overlay, "Kafka")
    strimzi = {"strimzi.io/cluster": kafka["metadata"]["name"]}
    return {
        "mongodb": mongodb["spec"]["statefulSet"]["spec"]["template"]["metadata"]["labels"],
        **{name: strimzi | {"app.kubernetes.io/name": name} for name in ("kafka", "entity-operator")},
    }


def _networks(overlay: str, name: str) -> set[str]:
    return {peer["ipBlock"]["cidr"] for peer, _ in _ways_out(overlay, name) if "ipBlock" in peer}


def _configuration(overlay: str) -> Json:
    (volume,) = pod(overlay, PROXY).spec["volumes"]
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(overlay, "ConfigMap")}
    loaded: Json = yaml.safe_load(maps[volume["configMap"]["name"]]["envoy.yaml"])
    return loaded


def _listener(overlay: str) -> Json:
    (listener,) = _configuration(overlay)["static_resources"]["listeners"]
    return dict(listener)


def _manager(overlay: str) -> Json:
    ((one,),) = ([chain["filters"][0]["typed_config"]] for chain in _listener(overlay)["filter_chains"])
    return dict(one)


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_only_the_proxy_reaches_the_world_and_only_apples_part_of_it(overlay: str) -> None:
    everybody = [*(one.name for one in (*pods(overlay), *BY_HAND)), *_of_operators(overlay)]
    outside = {name: _networks(overlay, name) for name in everybody}
    ways = list(_ways_out(overlay, PROXY))

    assert outside == {
        PROXY: APPLES_NETWORKS,
        "connector": {PLATFORMS_NETWORK},
        "availability": {PLATFORMS_NETWORK},
        "sync-worker": set(),
        **{one.name: set() for one in BY_HAND},
        **{name: {KUBERNETES_API} for name in _of_operators(overlay)},
    }
    assert {port for peer, ports in ways if "ipBlock" in peer for port in ports} == {443}
    # Besides, it asks for names, and nobody inside.
    inside = [peer["podSelector"]["matchLabels"] for peer, _ in ways if "podSelector" in peer]
    assert inside == [{"k8s-app": "kube-dns"}]


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_who_speaks_to_apple_reaches_the_proxy_and_nobody_else_does(overlay: str) -> None:
    to_proxy = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": PROXY}}}
    reaching = {one.name for one in pods(overlay) if (to_proxy, {3128}) in _ways_out(overlay, one.name)}
    (policy,) = (one["spec"] for one in of_kind(overlay, "NetworkPolicy") if one["metadata"]["name"] == PROXY)
    ((rule,), (port,)) = (policy["ingress"], pod(overlay, PROXY).main["ports"])
    ((let_in,),) = ([peer["podSelector"] for peer in rule["from"]],)

    assert reaching == set(TALKERS)
    assert {one.name for one in pods(overlay) if _applies(let_in, _labels(overlay, one.name))} == set(TALKERS)
    assert rule["ports"] == [{"protocol": "TCP", "port": port["name"]}]


def _labels(overlay: str, name: str) -> Json:
    by_hand = {one.name: one.workload["metadata"]["labels"] for one in BY_HAND}
    others = by_hand | _of_operators(overlay)
    return dict(others.get(name) or pod(overlay, name).workload["spec"]["template"]["metadata"]["labels"])


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_the_services_are_told_of_the_proxy_where_it_listens(overlay: str) -> None:
    (service,) = (one["spec"] for one in of_kind(overlay, "Service") if one["metadata"]["name"] == PROXY)
    (entrance,) = service["ports"]
    listens = _listener(overlay)["address"]["socket_address"]["port_value"]

    for talker in TALKERS:
        told = urlsplit(environment(overlay, talker)["CALSYNC_ICLOUD_PROXY_URL"])
        assert (told.scheme, told.hostname, told.port) == ("http", PROXY, entrance["port"])
    assert pod(overlay, PROXY).main["ports"] == [{"name": entrance["targetPort"], "containerPort": listens}]
    assert service["selector"].items() <= _labels(overlay, PROXY).items()


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_the_proxy_lets_tunnels_to_port_443_of_the_trusted_hosts_through_and_refuses_everybody_else(
    overlay: str,
) -> None:
    manager = _manager(overlay)
    through = [
        (domain, route["match"])
        for host in manager["route_config"]["virtual_hosts"]
        for route in host["routes"]
        for domain in host["domains"]
        if route.get("direct_response") != {"status": 403}
    ]
    trusted = {environment(overlay, talker)["CALSYNC_ICLOUD_TRUSTED_HOSTS"] for talker in TALKERS}

    assert through == [("*.icloud.com:443", {"connect_matcher": {}})]
    assert trusted == {"icloud.com"}
    assert manager["upgrade_configs"] == [{"upgrade_type": "CONNECT"}]
    # Nobody steers it: it is told all it knows by its file.
    assert _configuration(overlay).keys() == {"static_resources", "overload_manager"}


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_the_proxy_is_probed_spread_and_kept_from_being_drained(overlay: str) -> None:
    one = pod(overlay, PROXY)
    probes = [one.main[name]["tcpSocket"]["port"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    (budget,) = (b["spec"] for b in of_kind(overlay, "PodDisruptionBudget") if b["metadata"]["name"] == PROXY)
    before = one.main["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert probes == ["proxy"] * 3
    assert one.workload["spec"]["replicas"] >= 2
    assert one.workload["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert {c["topologyKey"] for c in one.spec["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    assert (budget["selector"], budget["maxUnavailable"]) == (one.workload["spec"]["selector"], 1)
    assert one.spec["terminationGracePeriodSeconds"] > before
    assert one.secrets == set()
    (account,) = (a for a in of_kind(overlay, "ServiceAccount") if a["metadata"]["name"] == PROXY)
    assert account["automountServiceAccountToken"] is False


def test_there_is_a_proxy_where_networks_are_closed_and_nowhere_else() -> None:
    closed = {overlay for overlay in OVERLAYS if of_kind(overlay, "NetworkPolicy")}
    proxied = {overlay for overlay in OVERLAYS if PROXY in {one.name for one in pods(overlay)}}
    told = {
        overlay
        for overlay in OVERLAYS
        for service in SERVICES
        if "CALSYNC_ICLOUD_PROXY_URL" in environment(overlay, service)
    }

    assert closed == proxied == told == set(CLUSTERS)
