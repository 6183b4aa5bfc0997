"""The generated chain: slot by slot, campaigns first, the crowd in what room is left."""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from pw_replay.market import opening, presets
from pw_replay.market.labels import Step, kind_of, mint_key, start_s, steps, wallet_name
from pw_replay.market.names import coin_name
from pw_replay.market.pools import LAMPORTS, Pool, pump_curve
from pw_replay.market.slots import SLOT_MS, START_SLOT, START_TIME_S, is_skipped, slot_after
from pw_replay.market.trades import modern, plain, pump_v2
from pw_replay.market.trades.crowd import Crowd
from pw_replay.market.trades.modern import Way
from pw_replay.market.trades.trades import Order, Truth, trade
from pw_replay.market.trades.varied import VariedCrowd
from pw_replay.market.wire import programs as p
from pw_replay.market.wire import wire
from pw_replay.market.wire.ledger import Ledger, Mint, address_of
from pw_replay.market.wire.transaction_builder import Landing, TransactionBuilder

VOTE_SHARE = 0.2
_BIAS_NS = 1_000_000_000
_SPREAD_NS = 350_000_000


def generate_labelled(
    seed: int,
    minutes: float,
    tps: float,
    start_slot: int = START_SLOT,
    start_time_s: int = START_TIME_S,
    vote_share: float = VOTE_SHARE,
    preset: str = presets.DENSE,
    failures: float = presets.FAILURES_DEFAULT,
) -> Iterator[tuple[bytes, Truth | None]]:
    """Yield every update of the market with what it is meant to be.

    Signatures are 64 bytes that the seed, the slot and the index decide; they do not
    verify. `tps` counts all transactions, votes and failures included; `vote_share` is
    the part of the votes (0-1). Trades carry their `Truth`; all else carries None.
    `preset` is `varied` (what a block of today holds), `demo` (the same, and a coin with a name is
    bought quietly from the first seconds on) or `dense` (mostly trades, for load); `failures` is
    the share of failed transactions among all but votes, of all but the dense one.

    Raises:
        ValueError: a rate, length or slot that is not positive, or a share outside its bounds.
    """
    presets.check(preset, failures)
    if tps <= 0 or minutes <= 0 or not 0 <= vote_share <= 1 or start_slot < 1:
        raise ValueError(
            f"minutes={minutes}, tps={tps}, vote_share={vote_share}, start_slot={start_slot}: "
            "minutes, tps and start_slot must be above 0, vote_share between 0 and 1"
        )
    market = _Market(seed, start_slot, vote_share, preset, failures)
    parent = start_slot - 1
    room = 0.0
    for slot in range(start_slot, slot_after(start_slot, minutes * 60)):
        room += tps * SLOT_MS / 1000
        if is_skipped(seed, slot):
            continue
        slot_time_ns = start_time_s * 1_000_000_000 + (slot - start_slot) * SLOT_MS * 1_000_000
        count = 0
        for update in market.transactions(slot, int(room), slot_time_ns):
            count += 1
            yield update
        room -= count
        for update_bytes in market.close(slot, parent, count, slot_time_ns):
            yield update_bytes, None
        parent = slot


def generate(
    seed: int,
    minutes: float,
    tps: float,
    start_slot: int = START_SLOT,
    start_time_s: int = START_TIME_S,
    preset: str = presets.DENSE,
    failures: float = presets.FAILURES_DEFAULT,
) -> Iterator[bytes]:
    """Yield serialised SubscribeUpdates in chain order; see `generate_labelled`."""
    labelled = generate_labelled(
        seed, minutes, tps, start_slot, start_time_s, preset=preset, failures=failures
    )
    for update, _ in labelled:
        yield update


@dataclass(slots=True)
class _Running:
    """A campaign under way: its pool and the wallets that act."""

    kind: str
    pool: Pool
    funder: bytes
    wallets: dict[int, bytes]
    # What its coin is called; None: as the market chooses.
    called: tuple[str, str] | None = None


class _Market:
    def __init__(
        self, seed: int, start_slot: int, vote_share: float, preset: str, failures: float
    ) -> None:
        self._seed = seed
        self._start_slot = start_slot
        self._vote_share = vote_share
        self._rng = Random(f"{seed}/market")  # noqa: S311 - reproducible, not secret
        self._ledger = Ledger(seed)
        self._varied = preset != presets.DENSE
        if self._varied:
            self._crowd: Crowd = VariedCrowd(self._rng, self._ledger, failures)
        else:
            self._crowd = Crowd(self._rng, self._ledger)
        # Skipped slots leave the block height behind the slot number.
        self._height = start_slot * 39 // 40
        self._hash = self._blockhash(start_slot - 1)
        self._next_campaign = 0
        self._order = itertools.count()
        self._due: list[tuple[int, int, Step, _Running]] = []
        if preset == presets.DEMO:
            self._open_demo()

    def transactions(
        self, slot: int, room: int, slot_time_ns: int
    ) -> Iterator[tuple[bytes, Truth | None]]:
        """The slot's transactions in index order."""
        total = max(room, 1)
        for index, (builder, truth) in enumerate(self._builders(slot, room)):
            created = slot_time_ns + _BIAS_NS + min(index, total) * _SPREAD_NS // total
            landing = Landing(self._seed, slot, index, created, self._hash)
            yield builder.finish(landing), truth

    def _builders(self, slot: int, room: int) -> Iterator[tuple[TransactionBuilder, Truth | None]]:
        """Votes are spread; campaign acts stay adjacent, somewhere in the slot."""
        acts = self._campaign_acts(slot)
        others = max(0, room - len(acts))
        # The votes' share is of all transactions, also where campaigns take room.
        odds = min(1.0, self._vote_share * room / others) if others else 0.0
        campaign_at = self._rng.randrange(others + 1)
        for position in range(others + 1):
            if position == campaign_at:
                for step, running in acts:
                    yield self._perform(step, running)
            if position == others:
                return
            if self._rng.random() < odds:
                yield self._crowd.vote(slot, self._hash), None
            else:
                yield self._crowd.act()

    def _campaign_acts(self, slot: int) -> list[tuple[Step, _Running]]:
        while slot_after(self._start_slot, start_s(self._next_campaign)) <= slot:
            self._begin(self._next_campaign)
            self._next_campaign += 1
        acts: list[tuple[Step, _Running]] = []
        while self._due and self._due[0][0] <= slot:
            _, _, step, running = heapq.heappop(self._due)
            acts.append((step, running))
        return acts

    def _begin(self, number: int) -> None:
        ledger = self._ledger
        key = mint_key(self._seed, number)
        funder = ledger.wallet(f"campaign/{number}/funder", 200 * LAMPORTS)
        if self._varied:
            pool = pump_v2.launch_curve(ledger, Mint.of(key, 6, p.TOKEN_2022))
        else:
            pool = pump_curve(ledger, Mint.of(key, 6))
        running = _Running(kind_of(number), pool, funder, {})
        planned = steps(self._seed, number)
        if self._varied:
            due = slot_after(self._start_slot, start_s(number))
            launch = Step(0, "launch", 0, 0)
            heapq.heappush(self._due, (due, next(self._order), launch, running))
        fresh = any(step.act == "fund" for step in planned)
        for step in planned:
            name = wallet_name(number, step.wallet)
            held = 0 if fresh else 40 * LAMPORTS
            running.wallets.setdefault(step.wallet, ledger.wallet(name, held))
            due = slot_after(self._start_slot, start_s(number) + step.after_s)
            heapq.heappush(self._due, (due, next(self._order), step, running))

    def _open_demo(self) -> None:
        """Put the demo's opening into the first seconds."""
        ledger = self._ledger
        funder = ledger.wallet("opening/creator", 10 * LAMPORTS)
        pool = pump_v2.launch_curve(
            ledger, Mint.of(opening.opening_key(self._seed), 6, p.TOKEN_2022)
        )
        called = (opening.NAME, opening.SYMBOL)
        running = _Running(opening.KIND, pool, funder, {}, called)
        for step in opening.opening_steps(self._seed):
            name = opening.opening_wallet(step.wallet)
            running.wallets.setdefault(step.wallet, ledger.wallet(name, 40 * LAMPORTS))
            due = slot_after(self._start_slot, step.after_s)
            heapq.heappush(self._due, (due, next(self._order), step, running))

    def _perform(self, step: Step, running: _Running) -> tuple[TransactionBuilder, Truth | None]:
        if step.act == "launch":
            words = running.called or coin_name(self._rng)
            return modern.launch(self._rng, self._ledger, running.pool, running.funder, words, 0)
        wallet = running.wallets[step.wallet]
        if step.act == "fund":
            builder = plain.transfer(self._rng, self._ledger, running.funder, wallet, step.amount)
            return builder, None
        buy = step.act == "buy"
        held = self._ledger.associated(wallet, running.pool.mint).amount
        amount = step.amount if buy else held * step.amount // 1000
        order = Order(
            wallet,
            running.pool,
            buy,
            amount,
            tip_lamports=step.tip_lamports,
            campaign=running.kind,
        )
        if self._varied:
            way = Way(v2=True, exact_in=self._rng.random() < 0.5)
            return modern.trade(self._rng, self._ledger, replace(order, table=True), way)
        return trade(self._rng, self._ledger, order)

    def close(self, slot: int, parent: int, count: int, slot_time_ns: int) -> Iterator[bytes]:
        """The block_meta and the slot update that end a slot."""
        parent_hash = self._hash
        self._hash = self._blockhash(slot)
        self._height += 1
        created_at_ns = slot_time_ns + _BIAS_NS + _SPREAD_NS + 5_000_000
        yield wire.block_meta_update(
            slot=slot,
            blockhash=address_of(self._hash),
            parent_slot=parent,
            parent_blockhash=address_of(parent_hash),
            block_time_s=slot_time_ns // 1_000_000_000,
            block_height=self._height,
            transactions=count,
            created_at_ns=created_at_ns,
        )
        yield wire.slot_update(slot=slot, parent=parent, created_at_ns=created_at_ns + 5_000_000)

    def _blockhash(self, slot: int) -> bytes:
        return hashlib.sha256(f"{self._seed}/block/{slot}".encode()).digest()
