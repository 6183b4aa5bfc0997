"""What the demo opens with: a coin with a name, bought by many wallets in small pieces at once.

It begins within the first seconds, so that whoever opens the page sees an alert while it is still
being looked at. Planned from the seed alone, as campaigns are.
"""

from __future__ import annotations

from random import Random
from typing import Final

from pw_replay.market.labels import SOL, Step
from pw_replay.market.wire.ledger import wallet_key

NAME: Final = "Quiet Otter"
SYMBOL: Final = "QOTTER"
KIND: Final = "stealth_accumulation"
LAUNCH_S: Final = 0.8
WALLETS: Final = 24
# The first part makes the rule ring; what follows makes it grow.
FIRST: Final = 50
FIRST_UNTIL_S: Final = 7.0
MORE: Final = 110
MORE_UNTIL_S: Final = 150.0
BUY_SOL_MIN: Final = 0.2
BUY_SOL_MAX: Final = 0.28


def opening_key(seed: int) -> bytes:
    """The mint of the demo's coin; nobody else trades it."""
    return wallet_key(seed, "opening/mint")


def opening_wallet(wallet: int) -> str:
    """The seed's name for one of its buyers."""
    return f"opening/{wallet}"


def opening_steps(seed: int) -> list[Step]:
    """The launch and every purchase in time order, in seconds from the market's opening."""
    rng = Random(f"{seed}/opening")  # noqa: S311 - reproducible, not secret
    times = [rng.uniform(LAUNCH_S + 0.8, FIRST_UNTIL_S) for _ in range(FIRST)]
    times += [rng.uniform(FIRST_UNTIL_S, MORE_UNTIL_S) for _ in range(MORE)]
    buys = [
        Step(after_s, "buy", number % WALLETS, int(rng.uniform(BUY_SOL_MIN, BUY_SOL_MAX) * SOL))
        for number, after_s in enumerate(sorted(times))
    ]
    return [Step(LAUNCH_S, "launch", 0, 0), *buys]
