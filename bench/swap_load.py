"""Swaps as a busy chain gives them, cheap to make; the same seed gives the same stream.

850 swaps a second of 40,000 mints and 400,000 wallets: popularity falls with the rank, a fifth
of the trades are those of 2,000 busy wallets, every third second a token is launched and is
traded much for ten minutes. Every address and signature is a string of its own, as decoding
gives them.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from pw_common.wire.messages import (
    Batch,
    Counts,
    Event,
    QuoteTrade,
    RoundTrip,
    SlotEvent,
    Swap,
    TokenCreated,
)

SOL: Final = "So11111111111111111111111111111111111111112"
USDC: Final = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
BEGIN_S: Final = 1_700_000_000
FIRST_SLOT: Final = 300_000_000
SLOTS_PER_S: Final = 2.5
SWAPS_PER_S: Final = 850
MINTS: Final = 40_000
WALLETS: Final = 400_000
BUSY_WALLETS: Final = 2_000
LAUNCHES_PER_MINUTE: Final = 20
# Launched tokens that are traded much, and their share of the trades.
YOUNG: Final = 200
YOUNG_SHARE: Final = 0.15
SWAPS_PER_BATCH: Final = 16
TABLE: Final = 1 << 17
SIGNATURE: Final = "5VERYLongSignatureOfATransactionThatNobodyEverSigned" + "x" * 22
ADDRESS: Final = "AnAddressThatIsNoKeyOfAnybody" + "x" * 5


class RandomText:
    """Addresses by number and signatures, of the letters of base58, as random as real ones."""

    def __init__(self, seed: int) -> None:
        letters = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        self._table = bytes(letters[one % 58] for one in range(256))
        self._seed = seed
        self._wallets: dict[int, str] = {}
        self._mints: dict[int, str] = {}

    def made(self, rng: random.Random, characters: int) -> str:
        """The next text of a generator."""
        return rng.randbytes(characters).translate(self._table).decode()

    def wallet(self, number: int) -> str:
        """The address of a wallet, the same for the same number."""
        return self._known(self._wallets, number, 1)

    def mint(self, number: int) -> str:
        """The address of a token."""
        return self._known(self._mints, number, 2)

    def _known(self, known: dict[int, str], number: int, kind: int) -> str:
        found = known.get(number)
        if found is None:
            rng = random.Random(self._seed << 60 | kind << 50 | number)  # noqa: S311 -- a load
            found = known[number] = self.made(rng, 44)
        # Decoding gives each message a text of its own.
        return found


class SwapLoad:
    """The stream; `batches` may be called again, and gives the same."""

    def __init__(
        self, seed: int = 1, *, swaps_per_s: float = SWAPS_PER_S, random_text: bool = False
    ) -> None:
        """`random_text`: signatures and addresses that compress as badly as real ones."""
        self._text = RandomText(seed) if random_text else None
        rng = random.Random(seed)  # noqa: S311 -- a load, no secret
        self._seed = seed
        self._per_slot = swaps_per_s / SLOTS_PER_S
        ranks = list(accumulate(1 / (rank + 3) for rank in range(MINTS)))
        picks = rng.choices(range(MINTS), cum_weights=ranks, k=TABLE)
        self._mints = array("l", [-1 if rng.random() < YOUNG_SHARE else pick for pick in picks])
        self._lamports = array(
            "q", [max(1, int(rng.lognormvariate(19.3, 1.5))) for _ in range(TABLE)]
        )
        self._prices = [rng.uniform(0.8, 1.2) for _ in range(4_096)]

    def batches(self, first_minute: float = 0, minutes: float = 180) -> Iterator[Batch]:
        """The batches of these minutes of event time, each slot's in order."""
        first = int(first_minute * 60 * SLOTS_PER_S)
        for number in range(first, first + int(minutes * 60 * SLOTS_PER_S)):
            yield from self._slot(number)

    def _slot(self, number: int) -> Iterator[Batch]:
        slot = FIRST_SLOT + number
        rng = random.Random(self._seed << 40 | number)  # noqa: S311 -- a load, no secret
        events: list[Event] = list(self._swaps(number, slot, rng))
        events += self._others(number, slot, rng)
        clock_s = BEGIN_S + int(number / SLOTS_PER_S)
        events.append(SlotEvent(slot=slot, parent=slot - 1, block_time_s=clock_s))
        per_batch = SWAPS_PER_BATCH + 2
        cuts = range(0, len(events), per_batch)
        most = int(self._per_slot) // SWAPS_PER_BATCH + 3
        for at, cut in enumerate(cuts):
            last = at == len(cuts) - 1
            yield Batch(
                tx_stream_created="2026-01-01T00:00:00Z",
                tx_seq=1 + number * most + at,
                source="main",
                epoch=1,
                frontier_slot=slot if last else slot - 1,
                counts=Counts(),
                events=tuple(events[cut : cut + per_batch]),
                tx_id=f"main:1:{number}:{at}",
            )
            # Sequences have no gaps: what is left of the slot's numbers are empty answers.
            if last:
                for empty in range(at + 1, most):
                    yield Batch(
                        tx_stream_created="2026-01-01T00:00:00Z",
                        tx_seq=1 + number * most + empty,
                        source="main",
                        epoch=1,
                        frontier_slot=slot,
                        counts=Counts(),
                    )

    def _swaps(self, number: int, slot: int, rng: random.Random) -> Iterator[Swap]:
        count = int(self._per_slot)
        newest = int(number / SLOTS_PER_S / 60 * LAUNCHES_PER_MINUTE)
        mints, sizes, prices = self._mints, self._lamports, self._prices
        random_ = rng.random
        at = rng.getrandbits(40)
        for n in range(count):
            at = (at * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) & 0xFFFFFFFFFFFFFFFF
            pick = mints[at >> 40 & TABLE - 1]
            share = random_()
            if pick < 0:
                # The newest ones most.
                pick = MINTS + max(0, newest - int(YOUNG * share * share))
            wallet = at >> 20 & 0xFFFFF
            wallet = wallet % BUSY_WALLETS if wallet < 0x33333 else (at >> 17) % WALLETS
            lamports = sizes[at >> 33 & TABLE - 1]
            quote, paid = (SOL, lamports) if share < 0.88 else (USDC, lamports // 6_000)
            text = self._text
            trader = f"W{ADDRESS}{wallet:09d}" if text is None else text.wallet(wallet)
            yield Swap(
                signature=f"{SIGNATURE}{number:07d}{n:07d}" if text is None else text.made(rng, 88),
                ordinal=0,
                slot=slot,
                index=n,
                trader=trader,
                side="buy" if at >> 50 & 127 < 68 else "sell",
                mint=f"M{ADDRESS}{pick:09d}" if text is None else text.mint(pick),
                base_amount_raw=int(lamports * (1 + pick % 997) * prices[at >> 24 & 4_095]),
                base_decimals=6,
                quote_mint=quote,
                quote_amount_raw=paid,
                quote_decimals=9 if quote is SOL else 6,
                venues=("pump",),
                route_hops=1,
                fee_payer=trader,
                signers=(trader,),
            )

    def _mint(self, number: int) -> str:
        return f"M{ADDRESS}{number:09d}" if self._text is None else self._text.mint(number)

    def _others(self, number: int, slot: int, rng: random.Random) -> Iterator[Event]:
        """Launches, arbitrage that is no trade of a token, and what SOL is worth."""
        before = int(number / SLOTS_PER_S / 60 * LAUNCHES_PER_MINUTE)
        after = int((number + 1) / SLOTS_PER_S / 60 * LAUNCHES_PER_MINUTE)
        for launch in range(before + 1, after + 1):
            yield TokenCreated(
                signature=f"{SIGNATURE}{number:07d}launch{launch:07d}", ordinal=9, slot=slot,
                index=0, mint=self._mint(MINTS + launch), name=f"Token {launch}",
                symbol=f"T{launch}", creator=f"W{ADDRESS}{rng.randrange(WALLETS):09d}",
                decimals=6, supply_raw=10**15, program="pump",
            )  # fmt: skip
        for n in range(int(self._per_slot / 20)):
            yield RoundTrip(
                signature=f"{SIGNATURE}{number:07d}round{n:07d}", ordinal=0, slot=slot, index=n,
                trader=f"W{ADDRESS}{n:09d}", quote_mint=SOL, quote_change_raw=5_000 + n,
            )  # fmt: skip
        for n in range(6):
            sol = rng.randrange(10**8, 10**11)
            yield QuoteTrade(
                signature=f"{SIGNATURE}{number:07d}quote{n:07d}", ordinal=0, slot=slot, index=n,
                sol_amount_raw=sol, usd_mint=USDC, usd_amount_raw=sol * rng.randrange(160, 170)
                // 1_000,
            )  # fmt: skip
