"""Who reaches whom, each rule of tools/k8s_rules_network.py once broken."""

from __future__ import annotations

from support.broken import GONE, Broken

KEDA, PROD, WHOLE = "overlays/keda", "overlays/prod", "examples/complete"

NETWORK = [
    Broken(("Service", "api"), "spec.selector", {"x": "y"}, "selects no pods"),
    Broken(("Service", "api"), "spec.ports.0.targetPort", "htpp", "port htpp is not one"),
    Broken(
        ("NetworkPolicy", "replay"), "spec.podSelector.matchLabels", {"x": "y"}, "selects no pods"
    ),
    Broken(("NetworkPolicy", "http"), "spec.policyTypes", ["Egress"], "without Ingress"),
    Broken(("NetworkPolicy", "replay"), "spec.ingress.0.ports.0.port", 10001, "ingress port 10001"),
    Broken(
        ("NetworkPolicy", "broker-clients"),
        "spec.egress.0.ports.0.port",
        4223,
        "egress port 4223, which none of its pods opens",
    ),
    Broken(
        ("NetworkPolicy", "broker-clients"),
        "spec.egress.0.to.0.podSelector.matchLabels",
        {"x": "y"},
        "egress to pods that are not there",
    ),
    Broken(
        ("NetworkPolicy", "nats-monitor"),
        "spec.ingress.0.ports.0.port",
        8223,
        "ingress port 8223",
        KEDA,
    ),
    Broken(("NetworkPolicy", "default-deny"), "", GONE, "no NetworkPolicy denies everything"),
    Broken(("NetworkPolicy", "names"), "", GONE, "ask for names"),
    Broken(("NetworkPolicy", "http"), "", GONE, "lets anybody scrape its port http"),
    Broken(("NetworkPolicy", "lag-adapter"), "", GONE, "lets the API server ask port 6443", PROD),
    Broken(
        ("Ingress", "api"),
        "spec.rules.0.http.paths.0.backend.service.port.name",
        "htpp",
        "is no port of a Service",
        WHOLE,
    ),
    Broken(("Ingress", "api"), "spec.tls.0.hosts.0", "other.example", "those with TLS", WHOLE),
    Broken(("Ingress", "api"), "spec.tls.0.secretName", "tls", "not in USERS_OWN", WHOLE),
    Broken(
        ("PodMonitor", "pocketwatcher"),
        "spec.selector.matchExpressions.0.values",
        ["nats", "parser"],
        "other pods than those with a port http",
        WHOLE,
    ),
    Broken(
        ("PodMonitor", "pocketwatcher"),
        "spec.podMetricsEndpoints.0.port",
        "metrics",
        "has no port metrics",
        WHOLE,
    ),
    Broken(
        ("APIService", "v1beta1.external.metrics.k8s.io"),
        "spec.version",
        "v1",
        "must be named version.group",
        PROD,
    ),
    Broken(
        ("APIService", "v1beta1.external.metrics.k8s.io"),
        "spec.service.port",
        6443,
        "is no port of a Service",
        PROD,
    ),
    Broken(
        ("APIService", "v1beta1.external.metrics.k8s.io"),
        "spec.service.namespace",
        "default",
        "in another namespace",
        PROD,
    ),
    Broken(
        ("Certificate", "lag-adapter"), "spec.dnsNames.0", "adapter.svc", "or not for lag", PROD
    ),
    Broken(("Issuer", "lag-adapter"), "", GONE, "has no Issuer", PROD),
    Broken(
        ("ClusterRole", "pocketwatcher-external-metrics"), "", GONE, "there is no ClusterRole", PROD
    ),
    Broken(
        ("ClusterRoleBinding", "pocketwatcher-external-metrics"),
        "subjects.0.namespace",
        "pocketwatcher",
        "no service needs any",
        PROD,
    ),
]
