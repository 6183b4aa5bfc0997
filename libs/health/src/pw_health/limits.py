"""The thresholds of the conditions. Nothing else judges health by a number."""

from __future__ import annotations

from typing import Final

from pw_common.wire.limits import BEHIND_MS_MAX, BEHIND_PENDING_MAX

# A process that has been silent for this long has stopped or hangs; it beats once a second.
SILENT_MS: Final = 5_000
# A check that runs once a second and takes longer than this sees changes too late. Between two
# such looks there must be less than `course.UNSEEN_MS`, or all would never be clear.
SLOW_MS: Final = 3_000
# What is behind by more than this is not `running`.
LAG_MAX_MS: Final = BEHIND_MS_MAX
# What follows addresses is some ten seconds late by design: a node indexes by address later.
FOLLOWED_LAG_MAX_MS: Final = 20_000
PENDING_MAX: Final = BEHIND_PENDING_MAX
# Beyond this, alerts come too late to be of use.
LAG_CRITICAL_MS: Final = 30_000
# A channel that is asked to wait (429) is not behind yet.
CHANNEL_LAG_MAX_MS: Final = 60_000
# PW_TX refuses what does not fit.
FULL_SHARE: Final = 0.8
# After this long without a message from any source, silence does not mean calm.
NOTHING_NEW_MS: Final = 30_000
# Clocks that differ by less harm nothing.
CLOCK_MAX_MS: Final = 5_000
# An unbounded list would be of no use to anybody, and could be made by a faulty service.
CONDITIONS_MAX: Final = 200
