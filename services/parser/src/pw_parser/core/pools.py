"""What happened to pools, by their venues' own events, and tokens that their holders burned.

These events stand behind all others of a transaction, so that theirs keep their ordinals.
"""

from __future__ import annotations

from typing import Final

from pw_common.wire.messages import Event
from pw_common.wire.pools import PoolEvent
from pw_parser.core.balances.context import signature_text
from pw_parser.core.calls.statements import Statements
from pw_parser.core.decode.programs import QUOTE_MINTS, TOKEN_PROGRAMS
from pw_parser.core.decode.token_batches import without_batches
from pw_parser.core.decode.transaction import U64_MAX, View

# Burn and BurnChecked: account, mint, authority.
_BURNS: Final = frozenset({b"\x08", b"\x0f"})
_BURN_ACCOUNTS: Final = 3


def add_pools(events: list[Event], view: View, said: Statements) -> None:
    """Append what the venues stated; what no balance could be is not taken over."""
    for facts in said.pools:
        amounts = facts[5:12]
        if any(raw is not None and raw > U64_MAX for raw in amounts):
            continue
        events.append(
            PoolEvent(
                signature=signature_text(view.signature),
                ordinal=len(events),
                slot=view.slot,
                index=view.tx_index,
                **facts._asdict(),
            )
        )


def add_burns(events: list[Event], view: View) -> None:
    """Append the tokens that a wallet burned by itself, outside of any exchange.

    Whether they were shares of a pool, the pool's creation tells.
    """
    mints = {
        token.mint: token.account_index
        for token in view.tokens
        if token.post_raw < token.pre_raw and token.mint not in QUOTE_MINTS
    }
    if not mints:
        return
    view = without_batches(view)
    accounts = {token.account_index: token.mint for token in view.tokens}
    for instruction in view.message.instructions:
        program, named = instruction.program_id_index, instruction.accounts
        if program >= len(view.keys) or view.keys[program] not in TOKEN_PROGRAMS:
            continue
        data = instruction.data
        if data[:1] not in _BURNS or len(named) < _BURN_ACCOUNTS or len(data) < 9:
            continue
        mint = accounts.get(named[0])
        if mint is not None and named[2] < len(view.keys):
            events.append(
                PoolEvent(
                    signature=signature_text(view.signature),
                    ordinal=len(events),
                    slot=view.slot,
                    index=view.tx_index,
                    what="burned",
                    mint_a=mint,
                    amount_a_raw=int.from_bytes(data[1:9], "little"),
                    user=view.address(named[2]),
                )
            )
