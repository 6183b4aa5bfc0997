"""The varied market: every layout of 2026 is there, and each transaction could have happened."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_geyser import geyser_pb2
from pw_replay.market import Truth, campaigns, generate, generate_labelled
from pw_replay.market.presets import DENSE, FAILURES_DEFAULT, VARIED
from pw_replay.market.wire import programs as p
from pw_replay.market.wire.ledger import address_of

from .conftest import Decoded
from .test_transactions import check_lamports, check_shape, check_tokens, every_key

SEED, MINUTES, TPS = 13, 1.2, 90.0
SYSTEM_TRANSFER = b"\x02\x00\x00\x00"


@pytest.fixture(scope="module")
def varied() -> list[Decoded]:
    return [
        Decoded(geyser_pb2.SubscribeUpdate.FromString(update), truth)
        for update, truth in generate_labelled(SEED, MINUTES, TPS, preset=VARIED)
    ]


@pytest.fixture(scope="module")
def transactions(varied: list[Decoded]) -> list[Decoded]:
    return [one for one in varied if one.kind == "transaction"]


def digest(seed: int, preset: str, minutes: float = 0.4, tps: float = 60.0) -> str:
    whole = hashlib.sha256()
    for update in generate(seed, minutes, tps, preset=preset):
        whole.update(len(update).to_bytes(4, "little") + update)
    return whole.hexdigest()[:32]


# A change of these is a change of every figure that was measured with them: say so.
DIGESTS = {
    (5, DENSE): "424ec44f080bb6cd0779cef395cfd8b6",
    (5, VARIED): "ccd0a202f13502d3aa75266d9397f181",
    (6, VARIED): "ea3103a174d98e0d919090f07c1686e8",
}


@pytest.mark.parametrize(("seed", "preset"), DIGESTS)
def test_a_seed_gives_these_bytes_for_ever(seed: int, preset: str) -> None:
    assert digest(seed, preset) == DIGESTS[seed, preset]


def test_a_longer_varied_market_starts_with_the_shorter_one() -> None:
    shorter = list(generate(5, 0.1, 50, preset=VARIED))
    assert list(islice(generate(5, 0.3, 50, preset=VARIED), len(shorter))) == shorter


def test_every_layout_and_venue_is_there(transactions: list[Decoded]) -> None:
    truths = [one.truth for one in transactions if one.truth]
    layouts = Counter(truth.layout for truth in truths)
    assert set(layouts) == {"", "pump_v2", "bot", "rfq", "launch", "sol_price", "unlisted"}
    assert {truth.venue for truth in truths} == {
        *("pump", "pump_amm", "raydium_v4", "raydium_cpmm", "jupiter_rfq"),
        f"unlisted:{p.UNLISTED_ADDRESS}",
    }
    sides: dict[str, set[str]] = defaultdict(set)
    for truth in truths:
        sides[truth.layout].add(truth.side)
    assert all(sides[name] == {"buy", "sell"} for name in layouts if name != "launch")
    assert any(truth.campaign for truth in truths)


def test_transactions_conserve_value_and_are_in_shape(transactions: list[Decoded]) -> None:
    held: dict[bytes, int] = {}
    for one in transactions:
        info = one.update.transaction.transaction
        check_lamports(info)
        check_tokens(info)
        check_shape(info)
        for key, before, after in zip(
            every_key(info), info.meta.pre_balances, info.meta.post_balances, strict=True
        ):
            assert held.get(key, before) == before
            held[key] = after


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**63), failures=st.floats(0.2, 0.6))
def test_any_varied_seed_conserves_value(seed: int, failures: float) -> None:
    for update in generate(seed, 0.05, 150, preset=VARIED, failures=failures):
        decoded = geyser_pb2.SubscribeUpdate.FromString(update)
        if decoded.HasField("transaction"):
            check_lamports(decoded.transaction.transaction)
            check_tokens(decoded.transaction.transaction)
            check_shape(decoded.transaction.transaction)


@pytest.mark.parametrize("failures", [0.2, 0.6])
def test_as_many_transactions_fail_as_was_asked_for(failures: float) -> None:
    failed = others = 0
    for update, truth in generate_labelled(3, 0.45, 150, preset=VARIED, failures=failures):
        info = geyser_pb2.SubscribeUpdate.FromString(update).transaction.transaction
        if info.signature and not info.is_vote:
            others += 1
            failed += info.meta.HasField("err")
            assert not (info.meta.HasField("err") and truth)
    assert abs(failed / others - failures) < 0.035


@pytest.mark.parametrize("failures", [0.1, 0.7])
def test_a_share_of_failures_that_no_chain_has_is_refused(failures: float) -> None:
    with pytest.raises(ValueError, match="failures"):
        next(generate(1, 1, 10, preset=VARIED, failures=failures))
    with pytest.raises(ValueError, match="preset"):
        next(generate(1, 1, 10, preset="sparse"))


def calls(one: Decoded, program: bytes) -> list[tuple[tuple[bytes, ...], bytes]]:
    """Every call of a program: its accounts, and its data."""
    info = one.update.transaction.transaction
    keys = every_key(info)
    inner = [one for group in info.meta.inner_instructions for one in group.instructions]
    found: list[Any] = [*info.transaction.message.instructions, *inner]
    return [
        (tuple(keys[at] for at in call.accounts), call.data)
        for call in found
        if keys[call.program_id_index] == program
    ]


def test_second_generation_trades_name_the_user_at_account_13(transactions: list[Decoded]) -> None:
    names: Counter[str] = Counter()
    for one in transactions:
        if one.truth is None or one.truth.layout != "pump_v2":
            continue
        for accounts, data in calls(one, p.PUMP):
            kind = {p.BUY_V2: "buy", p.BUY_EXACT_QUOTE_IN_V2: "exact", p.SELL_V2: "sell"}
            if name := kind.get(data[:8]):
                names[name] += 1
                assert len(accounts) == (26 if name == "sell" else 27)
                assert address_of(accounts[13]) == one.truth.trader
    assert set(names) == {"buy", "exact", "sell"}


def test_both_sign_a_fill_and_the_maker_pays_its_fee(transactions: list[Decoded]) -> None:
    fills = [one for one in transactions if one.truth and one.truth.layout == "rfq"]
    assert fills
    for one in fills:
        keys = every_key(one.update.transaction.transaction)
        [(accounts, _)] = calls(one, p.ORDER_ENGINE)
        assert (accounts[0], accounts[1]) == (keys[1], keys[0])
        assert address_of(keys[1]) == one.truth.trader  # type: ignore[union-attr]


def test_launches_have_names_and_top_up_their_mints_rent(transactions: list[Decoded]) -> None:
    launched = 0
    for one in transactions:
        created = [call for call in calls(one, p.PUMP) if call[1][:8] == p.CREATE_V2]
        for accounts, data in created:
            mint = accounts[0]
            size = int.from_bytes(data[8:12], "little")
            symbol_at = 12 + size
            symbol = int.from_bytes(data[symbol_at : symbol_at + 4], "little")
            assert size + symbol < 100
            top_ups = [
                int.from_bytes(data[4:], "little")
                for to, data in calls(one, p.SYSTEM)
                if data[:4] == SYSTEM_TRANSFER and to[1] == mint
            ]
            assert len(top_ups) == 1
            assert 1_070_000 <= top_ups[0] < 2_100_000
            launched += 1
    assert launched >= len(campaigns(SEED, MINUTES, TPS))


def test_bots_take_their_fee_by_a_call(transactions: list[Decoded]) -> None:
    through: list[Truth] = []
    for one in transactions:
        if one.truth and one.truth.layout == "bot":
            through.append(one.truth)
            bots = calls(one, p.PHOTON) + calls(one, p.UNLISTED_BOT)
            [(accounts, _)] = bots
            paid = [to for to, data in calls(one, p.SYSTEM) if data[:4] == SYSTEM_TRANSFER]
            assert (accounts[0], accounts[1]) in paid
    assert {truth.side for truth in through} == {"buy", "sell"}


def test_the_default_share_of_failures_is_within_what_the_chain_has() -> None:
    assert 0.2 <= FAILURES_DEFAULT <= 0.6
