"""Field by field: Kubernetes' own schemas, and closed ones of ours for kinds that are not in them.

Ours hold what we use and nothing else, so that a misspelt field is an error and not silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate
from k8s_objects import Object

VERSION = "1.32"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
TEXTS: Schema = {"type": "array", "items": TEXT, "minItems": 1}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
DURATION: Schema = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}


def closed(required: str, **fields: Schema) -> Schema:
    """An object with these fields and no other; `required` names those that must be there."""
    return {
        "type": "object",
        "properties": fields,
        "required": required.split(),
        "additionalProperties": False,
    }


def several(item: Schema) -> Schema:
    """A list of at least one."""
    return {"type": "array", "items": item, "minItems": 1}


def one_of(*words: str) -> Schema:
    """A word of a closed set."""
    return {"enum": list(words)}


SELECTOR = closed(
    "",
    matchLabels=LABELS,
    matchExpressions=several(closed("key operator", key=TEXT, operator=TEXT, values=TEXTS)),
)
SCALING = closed(
    "policies",
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    selectPolicy=one_of("Max", "Min", "Disabled"),
    policies=several(
        closed(
            "type value periodSeconds",
            type=one_of("Pods", "Percent"),
            value={"type": "integer", "minimum": 1},
            periodSeconds={"type": "integer", "minimum": 1, "maximum": 1800},
        )
    ),
)
TRIGGER = closed(
    "type metadata",
    type=one_of("nats-jetstream"),
    # KEDA reads every value as a string, and takes any key without a word.
    metadata=closed(
        "natsServerMonitoringEndpoint account stream consumer lagThreshold",
        natsServerMonitoringEndpoint={"type": "string", "pattern": r"^[\w.-]+:\d+$"},
        account=TEXT,
        stream=TEXT,
        consumer=TEXT,
        lagThreshold={"type": "string", "pattern": r"^\d+$"},
        activationLagThreshold={"type": "string", "pattern": r"^\d+$"},
        useHttps=one_of("true", "false"),
    ),
)

SPECS: dict[str, tuple[str, Schema]] = {
    "ScaledObject": (
        "keda.sh/v1alpha1",
        closed(
            "scaleTargetRef maxReplicaCount triggers",
            scaleTargetRef=closed("name", name=TEXT, kind=TEXT, apiVersion=TEXT),
            pollingInterval=COUNT,
            cooldownPeriod=COUNT,
            minReplicaCount=COUNT,
            maxReplicaCount=COUNT,
            fallback=closed(
                "failureThreshold replicas",
                failureThreshold=COUNT,
                replicas=COUNT,
                behavior=one_of(
                    "static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"
                ),
            ),
            advanced=closed(
                "",
                horizontalPodAutoscalerConfig=closed(
                    "", behavior=closed("", scaleUp=SCALING, scaleDown=SCALING)
                ),
            ),
            triggers=several(TRIGGER),
        ),
    ),
    "Issuer": ("cert-manager.io/v1", closed("selfSigned", selfSigned=closed(""))),
    "Certificate": (
        "cert-manager.io/v1",
        closed(
            "secretName dnsNames issuerRef",
            secretName=TEXT,
            duration=DURATION,
            dnsNames=TEXTS,
            issuerRef=closed("name kind", name=TEXT, kind=one_of("Issuer", "ClusterIssuer")),
        ),
    ),
    # Known to the API server, but in no schema of kubernetes-validate.
    "APIService": (
        "apiregistration.k8s.io/v1",
        closed(
            "group version groupPriorityMinimum versionPriority service",
            group=TEXT,
            version=TEXT,
            groupPriorityMinimum=COUNT,
            versionPriority=COUNT,
            # insecureSkipTLSVerify is left out: whoever answers could tell any lag.
            service=closed("namespace name port", namespace=TEXT, name=TEXT, port=COUNT),
        ),
    ),
    "PodMonitor": (
        "monitoring.coreos.com/v1",
        closed(
            "selector podMetricsEndpoints",
            jobLabel=TEXT,
            selector=SELECTOR,
            podMetricsEndpoints=several(
                closed("port", port=TEXT, path=TEXT, interval=DURATION, scrapeTimeout=DURATION)
            ),
        ),
    ),
    "PrometheusRule": (
        "monitoring.coreos.com/v1",
        closed(
            "groups",
            groups=several(
                closed(
                    "name rules",
                    name=TEXT,
                    rules=several(
                        closed(
                            "alert expr labels annotations",
                            alert=TEXT,
                            expr=TEXT,
                            labels=closed("severity", severity=one_of("warning", "critical")),
                            annotations=closed("summary", summary=TEXT),
                            **{"for": DURATION},
                        )
                    ),
                )
            ),
        ),
    ),
}


def schema_problems(one: Object) -> tuple[str, ...]:
    """Unknown or missing fields and wrong types of one object."""
    return _of_text(json.dumps(one, sort_keys=True))


@cache
def _of_text(text: str) -> tuple[str, ...]:
    # Overlays share most of their objects, and a schema takes long.
    return tuple(_problems(json.loads(text)))


def _problems(one: Object) -> Iterator[str]:
    known = SPECS.get(one["kind"])
    if known is not None:
        version, spec = known
        whole = closed(
            "apiVersion kind metadata spec",
            apiVersion={"const": version},
            kind={"const": one["kind"]},
            metadata=closed("name", name=TEXT, namespace=TEXT, labels=LABELS, annotations=LABELS),
            spec=spec,
        )
        for error in jsonschema.Draft202012Validator(whole).iter_errors(one):
            yield f"{'.'.join(map(str, error.absolute_path)) or 'the object'}: {error.message}"
        return
    try:
        kubernetes_validate.validate(one, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        yield f"no schema for {one['apiVersion']} {one['kind']}: declare it in tools/k8s_schemas.py"
