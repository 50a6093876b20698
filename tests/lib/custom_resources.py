"""The shapes of other people's resources, as far as our manifests use them, every other field refused.

Written from the references of KEDA 2.20, Strimzi 1.0, the Prometheus operator and MongoDB's community operator. A field
that is new in a manifest has to be looked up, and added here.
"""

from typing import Any, Final

import jsonschema

Json = dict[str, Any]
_TEXT: Final[Json] = {"type": "string", "minLength": 1}
_COUNT: Final[Json] = {"type": "integer", "minimum": 0}
_LABELS: Final[Json] = {"type": "object", "additionalProperties": _TEXT}
_DURATION: Final[Json] = {"type": "string", "pattern": "^([0-9]+[smhd])+$"}
_METADATA: Final[Json] = {
    "type": "object",
    "properties": {"name": _TEXT, "namespace": _TEXT, "labels": _LABELS, "annotations": _LABELS},
    "required": ["name"],
    "additionalProperties": False,
}


def _object(*required: str, **properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _list(of: Json) -> Json:
    return {"type": "array", "items": of, "minItems": 1}


def _one_of(*words: str) -> Json:
    return {"enum": list(words)}


_RESOURCES: Final = _object("requests", "limits", requests=_LABELS, limits=_object("memory", memory=_TEXT))
_SPREAD: Final = _list({"type": "object", "required": ["maxSkew", "topologyKey", "whenUnsatisfiable", "labelSelector"]})
_POLICIES: Final = _list(
    _object("type", "value", "periodSeconds", type=_one_of("Pods", "Percent"), value=_COUNT, periodSeconds=_COUNT)
)
_BEHAVIOR: Final = _object("policies", stabilizationWindowSeconds=_COUNT, policies=_POLICIES)
_PARAMETER: Final = _list(_object("parameter", "name", "key", parameter=_TEXT, name=_TEXT, key=_TEXT))

# `for` is a word of Python's.
_ALERT: Final = _object(
    "alert", "expr", alert=_TEXT, expr=_TEXT, labels=_LABELS, annotations=_LABELS, **{"for": _DURATION}
)
_RECORD: Final = _object("record", "expr", record=_TEXT, expr=_TEXT, labels=_LABELS)

_SPECS: Final[dict[tuple[str, str], Json]] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _object(
        "scaleTargetRef",
        "triggers",
        scaleTargetRef=_object("name", name=_TEXT),
        minReplicaCount=_COUNT,
        maxReplicaCount=_COUNT,
        pollingInterval=_COUNT,
        fallback=_object(
            "failureThreshold",
            "replicas",
            failureThreshold=_COUNT,
            replicas=_COUNT,
            behavior=_one_of("static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"),
        ),
        advanced=_object(
            horizontalPodAutoscalerConfig=_object(behavior=_object(scaleUp=_BEHAVIOR, scaleDown=_BEHAVIOR))
        ),
        triggers=_list(
            _object(
                "type",
                "metadata",
                type=_one_of("prometheus", "kafka"),
                metricType=_one_of("AverageValue", "Value"),
                # KEDA takes every value of a trigger as text.
                metadata={"type": "object", "additionalProperties": _TEXT},
                authenticationRef=_object("name", name=_TEXT),
            )
        ),
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): _object(configMapTargetRef=_PARAMETER, secretTargetRef=_PARAMETER),
    ("monitoring.coreos.com/v1", "PodMonitor"): _object(
        "selector",
        "podMetricsEndpoints",
        selector={"type": "object"},
        jobLabel=_TEXT,
        podMetricsEndpoints=_list(_object("port", port=_TEXT, path=_TEXT, interval=_TEXT)),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _object(
        "groups",
        groups=_list(_object("name", "rules", name=_TEXT, rules=_list({"oneOf": [_ALERT, _RECORD]}))),
    ),
    ("kafka.strimzi.io/v1", "KafkaTopic"): _object(
        "partitions",
        "replicas",
        "config",
        partitions=_COUNT,
        replicas=_COUNT,
        config={"type": "object"},
    ),
    ("kafka.strimzi.io/v1", "KafkaUser"): _object(
        "authentication",
        "authorization",
        authentication=_object("type", type=_one_of("scram-sha-512", "tls")),
        authorization=_object(
            "type",
            "acls",
            type=_one_of("simple"),
            acls=_list(
                _object(
                    "resource",
                    "operations",
                    resource=_object(
                        "type",
                        "name",
                        type=_one_of("topic", "group"),
                        name=_TEXT,
                        patternType=_one_of("literal", "prefix"),
                    ),
                    operations=_list(
                        _one_of("Read", "Write", "Describe", "DescribeConfigs", "Create", "Delete", "Alter")
                    ),
                )
            ),
        ),
    ),
    ("kafka.strimzi.io/v1", "KafkaNodePool"): _object(
        "replicas",
        "roles",
        "storage",
        replicas=_COUNT,
        roles=_list(_one_of("controller", "broker")),
        storage=_object(
            "type",
            "volumes",
            type=_one_of("jbod"),
            volumes=_list(
                _object(
                    "id",
                    "type",
                    id=_COUNT,
                    type=_one_of("persistent-claim"),
                    size=_TEXT,
                    deleteClaim={"type": "boolean"},
                    kraftMetadata=_one_of("shared"),
                )
            ),
        ),
        resources=_RESOURCES,
        template=_object(pod=_object(topologySpreadConstraints=_SPREAD)),
    ),
    ("kafka.strimzi.io/v1", "Kafka"): _object(
        "kafka",
        "entityOperator",
        kafka=_object(
            "listeners",
            version=_TEXT,
            metadataVersion=_TEXT,
            listeners=_list(
                _object(
                    "name",
                    "port",
                    "type",
                    "tls",
                    name=_TEXT,
                    port=_COUNT,
                    type=_one_of("internal"),
                    tls={"type": "boolean"},
                    authentication=_object("type", type=_one_of("scram-sha-512")),
                    # As in a NetworkPolicy's `from`.
                    networkPolicyPeers=_list(
                        _object(podSelector={"type": "object"}, namespaceSelector={"type": "object"})
                    ),
                )
            ),
            authorization=_object("type", type=_one_of("simple")),
            config={"type": "object"},
        ),
        entityOperator=_object(topicOperator=_object(resources=_RESOURCES), userOperator=_object(resources=_RESOURCES)),
    ),
    ("mongodbcommunity.mongodb.com/v1", "MongoDBCommunity"): _object(
        "type",
        "members",
        "version",
        "security",
        "users",
        type=_one_of("ReplicaSet"),
        members=_COUNT,
        version=_TEXT,
        security=_object(
            "authentication",
            authentication=_object("modes", modes=_list(_one_of("SCRAM")), ignoreUnknownUsers={"type": "boolean"}),
            roles=_list(
                _object(
                    *("role", "db", "roles", "privileges"),
                    role=_TEXT,
                    db=_TEXT,
                    roles={"type": "array"},
                    privileges=_list(
                        _object(
                            "resource",
                            "actions",
                            # No collection: the database itself.
                            resource=_object("db", "collection", db=_TEXT, collection={"type": "string"}),
                            actions=_list(_TEXT),
                        )
                    ),
                )
            ),
        ),
        users=_list(
            _object(
                *("name", "db", "passwordSecretRef", "roles", "scramCredentialsSecretName"),
                name=_TEXT,
                db=_TEXT,
                passwordSecretRef=_object("name", name=_TEXT),
                scramCredentialsSecretName=_TEXT,
                connectionStringSecretName=_TEXT,
                roles=_list(_object("name", "db", name=_TEXT, db=_TEXT)),
            )
        ),
        additionalMongodConfig={"type": "object"},
        statefulSet=_object("spec", spec={"type": "object"}),
    ),
}


def is_ours_to_check(resource: Json) -> bool:
    return (resource["apiVersion"], resource["kind"]) in _SPECS


def check(resource: Json) -> None:
    """Raise jsonschema.ValidationError."""
    spec = _SPECS[resource["apiVersion"], resource["kind"]]
    jsonschema.validate(
        resource, _object("metadata", "spec", apiVersion=_TEXT, kind=_TEXT, metadata=_METADATA, spec=spec)
    )
