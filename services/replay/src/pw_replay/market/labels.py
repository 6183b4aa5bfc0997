"""The campaigns of a generated market: planned from the seed alone, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from pw_replay.market.slots import START_SLOT, first_produced, slot_after
from pw_replay.market.wire.ledger import address_of, wallet_key

KINDS = (
    "concentrated_accumulation",
    "stealth_accumulation",
    "whale_concentration",
    "extreme_ratio",
    "bundled_wallets",
    "wash_trading",
)
# The first round starts one campaign after another, half a minute in; then one
# new campaign every twenty seconds, the kinds in turn.
FIRST_START_S = 30.0
FIRST_ROUND_STEP_S = 4.0
PERIOD_S = 20.0
SOL = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Campaign:
    """One planned manipulation: who does what to which token, from which slot on."""

    number: int
    kind: str
    mint: str
    first_slot: int
    wallets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One planned act: `act` is fund, buy, sell; `amount` lamports, or for a sell a share of 1000.

    `wallet` counts the campaign's wallets; a fund step pays that wallet from the funder.
    """

    after_s: float
    act: str
    wallet: int
    amount: int
    tip_lamports: int = 0


_WALLETS = {
    "concentrated_accumulation": 4,
    "stealth_accumulation": 25,
    "whale_concentration": 8,
    "extreme_ratio": 18,
    "bundled_wallets": 5,
    "wash_trading": 4,
}


def start_s(number: int) -> float:
    """Seconds from the market's opening to the start of the n-th campaign."""
    first_round = len(KINDS)
    if number < first_round:
        return FIRST_START_S + FIRST_ROUND_STEP_S * number
    return FIRST_START_S + FIRST_ROUND_STEP_S * first_round + PERIOD_S * (number - first_round + 1)


def kind_of(number: int) -> str:
    """The kind of the n-th campaign."""
    return KINDS[number % len(KINDS)]


def wallet_name(number: int, wallet: int) -> str:
    """The seed's name for one of a campaign's wallets."""
    return f"campaign/{number}/{wallet}"


def mint_key(seed: int, number: int) -> bytes:
    """The token that the n-th campaign is about; nobody else trades it."""
    return wallet_key(seed, f"campaign/{number}/mint")


def steps(seed: int, number: int) -> list[Step]:
    """The acts of the n-th campaign in time order."""
    rng = Random(f"{seed}/campaign/{number}")  # noqa: S311 - reproducible, not secret
    planned = _PLANS[kind_of(number)](rng)
    return sorted(planned, key=lambda step: step.after_s)


def campaigns(
    seed: int, minutes: float, tps: float, start_slot: int = START_SLOT
) -> tuple[Campaign, ...]:
    """Every campaign whose first act falls into the first `minutes` of the market.

    Campaigns take their share of every slot before anybody else, so `tps` does not
    move them; it is an argument because a rate of 0 has no market at all.
    """
    if tps <= 0:
        return ()
    end_slot = slot_after(start_slot, minutes * 60)
    return tuple(_until(seed, start_slot, end_slot))


def _until(seed: int, start_slot: int, end_slot: int) -> Iterator[Campaign]:
    number = 0
    while True:
        begins = start_s(number) + steps(seed, number)[0].after_s
        slot = first_produced(seed, slot_after(start_slot, begins))
        if slot_after(start_slot, start_s(number)) >= end_slot:
            return
        if slot < end_slot:
            kind = kind_of(number)
            wallets = tuple(
                address_of(wallet_key(seed, wallet_name(number, wallet)))
                for wallet in range(_WALLETS[kind])
            )
            yield Campaign(number, kind, address_of(mint_key(seed, number)), slot, wallets)
        number += 1


def _concentrated(rng: Random) -> list[Step]:
    times = [rng.uniform(0, 60) for _ in range(26)]
    return [Step(t, "buy", i % 4, int(rng.uniform(0.3, 0.6) * SOL)) for i, t in enumerate(times)]


def _stealth(rng: Random) -> list[Step]:
    times = [rng.uniform(0, 75) for _ in range(60)]
    return [Step(t, "buy", i % 25, int(rng.uniform(0.17, 0.28) * SOL)) for i, t in enumerate(times)]


def _whale(rng: Random) -> list[Step]:
    whales = [
        Step(rng.uniform(0, 60), "buy", i % 3, int(rng.uniform(1.6, 2.6) * SOL), 1_000_000)
        for i in range(9)
    ]
    crowd = [
        Step(rng.uniform(0, 60), "buy", 3 + i % 5, int(rng.uniform(0.1, 0.3) * SOL))
        for i in range(7)
    ]
    return whales + crowd


def _extreme_ratio(rng: Random) -> list[Step]:
    buys = [
        Step(rng.uniform(0, 60), "buy", i % 18, int(rng.uniform(0.35, 0.65) * SOL))
        for i in range(36)
    ]
    return [*buys, Step(62, "sell", 0, 300), Step(64, "sell", 1, 300)]


def _bundled(rng: Random) -> list[Step]:
    funding = [Step(0.8 * i, "fund", i, int(rng.uniform(2.5, 3.0) * SOL)) for i in range(5)]
    buys = [Step(8, "buy", i, int(rng.uniform(1.1, 1.9) * SOL), 2_000_000) for i in range(5)]
    dumps = [Step(60 + 2 * i, "sell", i, 1000) for i in range(5)]
    return funding + buys + dumps


def _wash(rng: Random) -> list[Step]:
    acts: list[Step] = []
    for turn in range(22):
        size = int(rng.uniform(0.9, 1.1) * SOL)
        acts.append(Step(3.0 * turn, "buy", turn % 4, size))
        acts.append(Step(3.0 * turn + 1.6, "sell", turn % 4, 1000))
    return acts


_PLANS = {
    "concentrated_accumulation": _concentrated,
    "stealth_accumulation": _stealth,
    "whale_concentration": _whale,
    "extreme_ratio": _extreme_ratio,
    "bundled_wallets": _bundled,
    "wash_trading": _wash,
}
