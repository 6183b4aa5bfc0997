"""What a source is, by settings alone."""

from __future__ import annotations

import pytest

from pw_common.service.settings import load
from pw_ingest.config import Settings


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, "live"),
        ({"PW_INGEST_SOURCE_KIND": "recorded"}, "recorded"),
        ({"PW_INGEST_RECORDED_ENDPOINTS": "http://replay:10000"}, "live"),
        ({"PW_INGEST_RECORDED_ENDPOINTS": "http://replay:1,https://host:443"}, "recorded"),
        ({"PW_INGEST_RECORDED_ENDPOINTS": ""}, "live"),
    ],
    ids=["by default", "said", "another endpoint", "this endpoint", "none"],
)
def test_a_source_is_live_unless_our_settings_say_otherwise(
    given: dict[str, str], kind: str
) -> None:
    environ = {"PW_INGEST_ENDPOINT": "https://host:443", "PW_NATS_URL": "nats://b:1"} | given
    assert load(Settings, environ).kind == kind
