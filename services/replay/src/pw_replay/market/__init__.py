"""A generated market: made-up trading in the wire form of a Yellowstone server.

The same arguments give the same bytes: no clock, and only seeded randomness.
"""

from pw_replay.market.chain import generate, generate_labelled
from pw_replay.market.labels import Campaign, campaigns
from pw_replay.market.trades.trades import Truth

__all__ = ["Campaign", "Truth", "campaigns", "generate", "generate_labelled"]
