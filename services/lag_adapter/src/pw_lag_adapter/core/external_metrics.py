"""The bodies of external.metrics.k8s.io/v1beta1, as the API's own types describe them.

k8s.io/metrics/pkg/apis/external_metrics/v1beta1: ExternalMetricValueList.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

GROUP_VERSION: Final = "external.metrics.k8s.io/v1beta1"
METRIC: Final = "jetstream_consumer_lag"
# An equality selector, as the HPA sends `matchLabels`.
_TERM: Final = re.compile(r"([A-Za-z0-9_./-]{1,128})==?([A-Za-z0-9_-]{1,64})")


class BadSelector(ValueError):
    """Not a selector that names one consumer; says what is allowed."""


class Durable(NamedTuple):
    """One consumer of one stream."""

    stream: str
    consumer: str


def durable_of(selector: str) -> Durable:
    """The consumer that a label selector names. Raises BadSelector."""
    labels: dict[str, str] = {}
    for term in filter(None, selector.split(",")):
        found = _TERM.fullmatch(term.strip())
        if found is None:
            raise BadSelector(f"{term[:64]!r}: allowed: stream=NAME,consumer=NAME")
        labels[found[1]] = found[2]
    if set(labels) != {"stream", "consumer"}:
        raise BadSelector("allowed: stream=NAME,consumer=NAME, both and nothing else")
    return Durable(labels["stream"], labels["consumer"])


def resources() -> dict[str, Any]:
    """The answer to API discovery."""
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": GROUP_VERSION,
        "resources": [
            {
                "name": METRIC,
                "singularName": "",
                "namespaced": True,
                "kind": "ExternalMetricValueList",
                "verbs": ["get"],
            }
        ],
    }


def value_list(durable: Durable, lag: int, timestamp: str) -> dict[str, Any]:
    """The one value. `timestamp` is RFC 3339."""
    return {
        "kind": "ExternalMetricValueList",
        "apiVersion": GROUP_VERSION,
        "metadata": {},
        "items": [
            {
                "metricName": METRIC,
                "metricLabels": {"stream": durable.stream, "consumer": durable.consumer},
                "timestamp": timestamp,
                "value": str(lag),
            }
        ],
    }


def failure(code: int, reason: str, message: str) -> dict[str, Any]:
    """Kubernetes' own error body."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": code,
    }


def may_ask(certificate: dict[str, Any] | None, names: frozenset[str]) -> bool:
    """Whether a verified client certificate carries an allowed common name.

    Args:
        certificate: As `ssl.SSLSocket.getpeercert` gives it; None where none was shown.
        names: The front proxy's allowed names.
    """
    subject = (certificate or {}).get("subject", ())
    found = {value for part in subject for key, value in part if key == "commonName"}
    return bool(found & names)
