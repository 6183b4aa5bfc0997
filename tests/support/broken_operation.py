"""Probes, sizes, names and upgrades: each rule that a real cluster taught, once broken."""

from __future__ import annotations

from support.broken import GONE, Broken

PROD = "overlays/prod"
PARSER, API = ("Deployment", "parser"), ("Deployment", "api")
FIRST = "spec.template.spec.containers.0"
NOTIFIER, NAMES = ("NetworkPolicy", "notifier"), ("NetworkPolicy", "names")
WORLD = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]

OPERATION = [
    Broken(PARSER, f"{FIRST}.livenessProbe.timeoutSeconds", GONE, "gives up after 1 s"),
    Broken(API, f"{FIRST}.readinessProbe.timeoutSeconds", 1, "gives up after 1 s"),
    Broken(PARSER, f"{FIRST}.startupProbe.timeoutSeconds", 2, "gives up after 2 s"),
    Broken(PARSER, f"{FIRST}.livenessProbe.failureThreshold", 3, "kills after 45 s of silence"),
    Broken(("StatefulSet", "nats"), f"{FIRST}.livenessProbe.periodSeconds", 5, "kills after 40 s"),
    Broken(API, f"{FIRST}.resources.requests.memory", "96Mi", "less than the 102Mi"),
    Broken(("Deployment", "replay"), f"{FIRST}.resources.requests.memory", "128Mi", "the 268Mi"),
    Broken(("StatefulSet", "nats"), f"{FIRST}.resources.requests.memory", "256Mi", "the 258Mi"),
    Broken(PARSER, f"{FIRST}.env.0", GONE, "heartbeats do not name the pod"),
    Broken(
        ("Deployment", "lag-adapter"),
        f"{FIRST}.env.3",
        GONE,
        "heartbeats do not name the pod",
        PROD,
    ),
    Broken(
        PARSER,
        f"{FIRST}.env.0.valueFrom.fieldRef.fieldPath",
        "status.hostIP",
        "heartbeats do not name the pod",
    ),
    Broken(("Deployment", "provision"), "spec.replicas", 2, "must say replicas: 1"),
    Broken(NAMES, "spec.egress.1.to.0", GONE, "ask the resolvers of nodes and clouds"),
    Broken(NAMES, "spec.egress.1.to.1", GONE, "ask the resolvers of nodes and clouds"),
    Broken(NAMES, "spec.egress.0.ports", [{"protocol": "UDP", "port": 53}], "ports [53, 5353]"),
    Broken(
        NAMES,
        "spec.egress.1.ports.+",
        {"protocol": "TCP", "port": 80},
        "reach the metadata server by 169.254.169.254/32",
    ),
    Broken(NOTIFIER, "spec.egress.0.to", GONE, "ports [443, 80] reach everybody"),
    Broken(NOTIFIER, "spec.egress.0.to", WORLD, "reach the metadata server by 0.0.0.0/0"),
    Broken(NAMES, "spec.egress.1.ports", GONE, "reach the metadata server"),
    Broken(
        ("StatefulSet", "nats"),
        "spec.persistentVolumeClaimRetentionPolicy.whenDeleted",
        "Delete",
        "deletes its volumes",
    ),
    Broken(PARSER, "metadata.namespace", GONE, "in whichever is the default: Deployment parser"),
    Broken(PARSER, "metadata.namespace", "other", "is spread over namespaces"),
]
