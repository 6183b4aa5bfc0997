"""The measured peak of each service's process, and the command that measured it.

Limits of compose.yaml and k8s/ leave a quarter more than this, and requests no less: a test
reads them all. A service that holds more from now on gets its number here first.
"""

from __future__ import annotations

from typing import Final, NamedTuple

# A limit is at least this many times the peak.
HEADROOM: Final = 1.25


class Peak(NamedTuple):
    """The most memory that a process of a service held, and how it was measured."""

    mib: int
    measured_by: str


_REPORT: Final = (
    "pw up --capture M --rate 500 --once --parsers 2 --exit-when-drained --report r.json"
)
_CLUSTER: Final = "measured on a cluster of Kubernetes 1.36, under load"
PEAKS: Final[dict[str, Peak]] = {
    "ingest": Peak(70, _REPORT),
    "parser": Peak(72, f"{_REPORT}: 55, and two fetches of the largest messages"),
    "detector": Peak(640, "python bench/bench_detector_hours.py"),
    "notifier": Peak(46, _REPORT),
    "api": Peak(102, _CLUSTER),
    "replay": Peak(268, _CLUSTER),
    "nats": Peak(258, _CLUSTER),
    "provision": Peak(33, "ru_maxrss after `import pw_provision.main`"),
    "lag-adapter": Peak(37, "ru_maxrss after `import pw_lag_adapter.main`"),
}
