"""Old metadata names no owners: they are derived, or the account never trades."""

from __future__ import annotations

from typing import Any

import pytest
from solders.pubkey import Pubkey

from pw_common.wire.messages import Swap
from pw_geyser import geyser_pb2
from pw_parser.core.parse import parse

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
ATA = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"


def without_owners(update: geyser_pb2.SubscribeUpdate) -> bytes:
    meta = update.transaction.transaction.meta
    for row in (*meta.pre_token_balances, *meta.post_token_balances):
        row.owner = ""
    return update.SerializeToString()


def swaps_of(update: bytes) -> list[Swap]:
    return [event for event in parse(update).events if isinstance(event, Swap)]


@pytest.mark.parametrize(
    ("tag", "accounts"),
    [
        (3, ("{of}", "curve", "{owner}")),
        (12, ("{of}", "mint-a", "curve", "{owner}")),
        (9, ("{of}", "{owner}", "{owner}")),
        (1, ("{of}", "mint-a", "{owner}")),
    ],
    ids=["transfer", "transfer checked", "close", "initialize"],
)
def test_owners_are_told_by_the_token_programs_instructions(
    buy: Any, tag: int, accounts: tuple[str, ...]
) -> None:
    draft = buy("alice")
    for account, owner, *_ in list(draft.tokens):
        named = tuple(name.format(of=account, owner=owner) for name in accounts)
        draft.invoke(TOKEN, named, bytes([tag]) + bytes(8), inner=True)
    (swap,) = swaps_of(without_owners(draft.message()))
    (known,) = swaps_of(draft.update())
    assert (swap.trader, swap.side, swap.mint) == (known.trader, known.side, known.mint)
    assert swap.base_amount_raw == known.base_amount_raw
    assert "owner_derived" in swap.reasons
    assert swap.confidence < known.confidence


def test_an_owner_carried_in_the_data_counts(buy: Any) -> None:
    draft = buy("alice")
    for account, owner, *_ in list(draft.tokens):
        key = bytes(Pubkey.from_string(draft.address(owner)))
        draft.invoke(TOKEN, (account, "mint-a"), bytes([18]) + key, inner=True)
    assert [swap.trader for swap in swaps_of(without_owners(draft.message()))] == [
        draft.address("alice")
    ]


def test_a_signers_associated_account_is_known_by_its_address(buy: Any) -> None:
    update = buy("alice").message()
    info = update.transaction.transaction
    signer = info.transaction.message.account_keys[0]
    row = next(r for r in info.meta.post_token_balances if r.owner == str(Pubkey(signer)))
    mint = bytes(Pubkey.from_string(row.mint))
    seeds = [signer, bytes(Pubkey.from_string(TOKEN)), mint]
    account, _ = Pubkey.find_program_address(seeds, Pubkey.from_string(ATA))
    info.transaction.message.account_keys[row.account_index] = bytes(account)
    # The curve's account stays unknown; that somebody gave the token is seen all the same.
    (swap,) = swaps_of(without_owners(update))
    assert swap.trader == str(Pubkey(signer))


def test_an_owner_that_nothing_tells_never_trades(buy: Any) -> None:
    assert swaps_of(without_owners(buy("alice").message())) == []


@pytest.mark.corpus
def test_real_trades_survive_without_owners_and_none_is_invented(
    real_updates: list[bytes],
) -> None:
    known: set[tuple[str, ...]] = set()
    derived: set[tuple[str, ...]] = set()
    for raw in real_updates:
        swaps = swaps_of(raw)
        if not swaps:
            continue
        blank = without_owners(geyser_pb2.SubscribeUpdate.FromString(raw))
        for found, into in ((swaps, known), (swaps_of(blank), derived)):
            into.update(
                (s.signature, s.trader, s.side, s.mint, str(s.base_amount_raw)) for s in found
            )
    assert not derived - known
    assert len(derived) >= 0.95 * len(known)
