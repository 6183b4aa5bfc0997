"""Every document of the configuration, with its history, has room in the bucket."""

from __future__ import annotations

from pw_common.documents.channels import CHANNELS_BYTES_MAX
from pw_common.documents.programs import ACKNOWLEDGED_BYTES_MAX, PROGRAMS_BYTES_MAX
from pw_common.topology.streams import declare
from pw_common.topology.subjects import BUCKET_CONFIG
from pw_detection.rules.lists import MUTES_BYTES_MAX, WATCHLISTS_BYTES_MAX
from pw_detection.rules.rules import BYTES_MAX


def test_the_history_of_programs_fits_into_the_bucket_beside_the_others() -> None:
    (bucket,) = (one for one in declare().buckets if one.name == BUCKET_CONFIG)
    others = WATCHLISTS_BYTES_MAX + MUTES_BYTES_MAX + BYTES_MAX + CHANNELS_BYTES_MAX
    ours = PROGRAMS_BYTES_MAX + ACKNOWLEDGED_BYTES_MAX
    assert bucket.history * (others + ours) < bucket.max_bytes
