"""Every generated transaction is one that a chain could have executed."""

from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from pw_geyser import geyser_pb2
from pw_replay.market import generate
from pw_replay.market.wire.ledger import USDC, WSOL

from .conftest import Decoded

RENT = 2_039_280


def every_key(info: geyser_pb2.SubscribeUpdateTransactionInfo) -> list[bytes]:
    return [
        *info.transaction.message.account_keys,
        *info.meta.loaded_writable_addresses,
        *info.meta.loaded_readonly_addresses,
    ]


def check_lamports(info: geyser_pb2.SubscribeUpdateTransactionInfo) -> None:
    meta = info.meta
    assert len(meta.pre_balances) == len(meta.post_balances) == len(every_key(info))
    assert sum(meta.pre_balances) == sum(meta.post_balances) + meta.fee
    for balance in meta.pre_token_balances:
        if balance.mint == WSOL.address:
            held = meta.pre_balances[balance.account_index]
            assert held == RENT + int(balance.ui_token_amount.amount)


def check_tokens(info: geyser_pb2.SubscribeUpdateTransactionInfo) -> None:
    change: Counter[str] = Counter()
    for balance in info.meta.pre_token_balances:
        change[balance.mint] -= int(balance.ui_token_amount.amount)
    for balance in info.meta.post_token_balances:
        change[balance.mint] += int(balance.ui_token_amount.amount)
        assert int(balance.ui_token_amount.amount) >= 0
    minted = {
        str(Pubkey.from_bytes(every_key(info)[one.accounts[0]]))
        for group in info.meta.inner_instructions
        for one in group.instructions
        if one.data[:1] == b"\x07" and len(one.accounts) == 3
    }
    # Wrapped SOL is made and unmade by every wrap; its lamports are checked instead.
    assert {mint for mint, moved in change.items() if moved} <= {WSOL.address} | minted


def check_shape(info: geyser_pb2.SubscribeUpdateTransactionInfo) -> None:
    message = info.transaction.message
    keys = every_key(info)
    header = message.header
    signers = header.num_required_signatures
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 32 for key in keys)
    assert len(info.transaction.signatures) == signers >= 1
    assert info.signature == info.transaction.signatures[0]
    assert info.meta.fee >= 5_000 * signers
    unsigned = len(message.account_keys) - signers
    assert header.num_readonly_unsigned_accounts <= unsigned
    looked_up = [*message.address_table_lookups]
    assert sum(len(one.writable_indexes) for one in looked_up) == len(
        info.meta.loaded_writable_addresses
    )
    assert sum(len(one.readonly_indexes) for one in looked_up) == len(
        info.meta.loaded_readonly_addresses
    )
    assert bool(looked_up) <= message.versioned
    inner = [one for group in info.meta.inner_instructions for one in group.instructions]
    indexes = {one.program_id_index for one in inner} | {n for one in inner for n in one.accounts}
    indexes |= {n for one in message.instructions for n in one.accounts}
    assert all(index < len(keys) for index in indexes)
    for top in message.instructions:
        assert top.program_id_index < len(message.account_keys)
    readonly_from = len(message.account_keys) - header.num_readonly_unsigned_accounts
    for index in range(readonly_from, len(message.account_keys)):
        assert info.meta.pre_balances[index] == info.meta.post_balances[index]


def test_every_transaction_conserves_lamports_and_tokens(transactions: list[Decoded]) -> None:
    for one in transactions:
        check_lamports(one.update.transaction.transaction)
        check_tokens(one.update.transaction.transaction)


def test_updates_are_as_compact_as_a_protobuf_runtime_writes_them() -> None:
    for update in generate(2, 0.1, 80):
        again = geyser_pb2.SubscribeUpdate.FromString(update).SerializeToString(deterministic=True)
        assert len(again) == len(update)


def test_headers_and_indexes_are_consistent(transactions: list[Decoded]) -> None:
    for one in transactions:
        check_shape(one.update.transaction.transaction)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**63), tps=st.floats(20, 200), start=st.integers(0, 2**40))
def test_any_seed_gives_a_conserving_market(seed: int, tps: float, start: int) -> None:
    for update in generate(seed, 0.05, tps, start_slot=start + 1):
        decoded = geyser_pb2.SubscribeUpdate.FromString(update)
        if decoded.HasField("transaction"):
            check_lamports(decoded.transaction.transaction)
            check_tokens(decoded.transaction.transaction)
            check_shape(decoded.transaction.transaction)


def test_balances_carry_over_from_one_transaction_to_the_next(
    transactions: list[Decoded],
) -> None:
    held: dict[bytes, int] = {}
    for one in transactions:
        info = one.update.transaction.transaction
        for key, before, after in zip(
            every_key(info), info.meta.pre_balances, info.meta.post_balances, strict=True
        ):
            assert held.get(key, before) == before
            held[key] = after


def test_a_failed_transaction_moves_only_its_fee(transactions: list[Decoded]) -> None:
    failed = [
        one for one in transactions if one.update.transaction.transaction.meta.HasField("err")
    ]
    assert failed
    for one in failed:
        info = one.update.transaction.transaction
        assert one.truth is None
        assert info.meta.pre_balances[0] - info.meta.fee == info.meta.post_balances[0]
        assert list(info.meta.pre_balances)[1:] == list(info.meta.post_balances)[1:]
        assert [b.SerializeToString() for b in info.meta.pre_token_balances] == [
            b.SerializeToString() for b in info.meta.post_token_balances
        ]


def test_wallets_are_on_the_curve_and_pools_are_not(transactions: list[Decoded]) -> None:
    traders = {one.truth.trader for one in transactions if one.truth}
    owners = {
        balance.owner
        for one in transactions
        for balance in one.update.transaction.transaction.meta.post_token_balances
    }
    assert all(Pubkey.from_string(trader).is_on_curve() for trader in traders)
    assert any(not Pubkey.from_string(owner).is_on_curve() for owner in owners)


def test_prices_move(transactions: list[Decoded]) -> None:
    prices: dict[str, list[float]] = defaultdict(list)
    for one in transactions:
        if one.truth and one.truth.quote_mint != USDC.address:
            prices[one.truth.mint].append(one.truth.quote_amount_raw / one.truth.base_amount_raw)
    busiest = max(prices.values(), key=len)
    assert max(busiest) > 1.05 * min(busiest)
