"""What else a block holds: votes, SOL transfers, arbitrage round trips, liquidity."""

from __future__ import annotations

import struct
from random import Random

from pw_replay.market.pools import Pool
from pw_replay.market.trades import swaps
from pw_replay.market.wire import instructions, wire
from pw_replay.market.wire import programs as p
from pw_replay.market.wire.ledger import Ledger
from pw_replay.market.wire.transaction_builder import TransactionBuilder

_VOTE_LOGS = wire.logs(f"Program {p.VOTE_ADDRESS} invoke [1]\nProgram {p.VOTE_ADDRESS} success")
# VoteInstruction::TowerSync in the vote program's bincode enum.
_TOWER_SYNC = (14).to_bytes(4, "little")


def vote(ledger: Ledger, validator: int, slot: int, blockhash: bytes) -> TransactionBuilder:
    """A validator's vote for a slot."""
    identity = ledger.wallet(f"validator/{validator}", 20_000_000_000)
    account = ledger.wallet(f"vote/{validator}", 27_074_400)
    builder = TransactionBuilder(ledger, (identity,))
    builder.is_vote = True
    builder.compute_units = 2_100
    builder.writable(account)
    tower = struct.pack("<Q", max(0, slot - 32)) + b"\x1f" + b"\x01\x1f" * 31 + blockhash
    builder.top(p.VOTE, (account, identity), _TOWER_SYNC + tower)
    builder.log(_VOTE_LOGS)
    return builder


def transfer(
    rng: Random, ledger: Ledger, source: bytes, target: bytes, lamports: int, *, fails: bool = False
) -> TransactionBuilder:
    """A plain SOL transfer."""
    builder = TransactionBuilder(ledger, (source,))
    if rng.random() < 0.5:
        instructions.budget(builder, 1_000, rng.randrange(1_000, 100_000))
    at = len(builder)
    instructions.pay(builder, source, target, lamports)
    if fails:
        address = p.SYSTEM_ADDRESS
        text = f"Program {address} invoke [1]\nProgram {address} failed: custom program error: 0x1"
        builder.fail(at, 1, wire.logs(text))
    return builder


def arbitrage(
    rng: Random, ledger: Ledger, bot: bytes, first: Pool, second: Pool, lamports: int
) -> TransactionBuilder:
    """Buy in one pool and sell all of it in another, inside one routed transaction."""
    builder = TransactionBuilder(ledger, (bot,), first.table)
    instructions.budget(builder, 400_000, rng.randrange(1_000, 50_000))
    cash = ledger.associated(bot, first.quote)
    own = ledger.associated(bot, first.mint)
    if not cash.exists:
        ledger.endow(cash, 500_000_000_000)
    instructions.open_account(builder, own, bot)
    base, _ = first.buy(lamports)
    back, _ = second.sell(base)
    swaps.route(builder, bot, cash, cash, lamports, back, 2)
    swaps.amm_swap(builder, first, bot, own, cash, buy=True, base=base, quote=lamports, routed=True)
    swaps.route_event(builder, first, cash, own, lamports, base)
    swaps.amm_swap(builder, second, bot, own, cash, buy=False, base=base, quote=back, routed=True)
    swaps.route_event(builder, second, own, cash, base, back)
    swaps.route_end(builder)
    first.settle(-base, lamports - first.protocol_share(first.buy(lamports)[1]))
    second.settle(base, -back - second.protocol_share(second.sell(base)[1]))
    return builder


def add_liquidity(
    rng: Random, ledger: Ledger, provider: bytes, pool: Pool, share: float
) -> TransactionBuilder:
    """Deposit both sides into a CPMM pool for freshly minted LP tokens.

    Raises:
        TypeError: the pool is not a CPMM pool.
    """
    if pool.lp_mint is None or pool.quote_vault is None:
        raise TypeError(f"liquidity is only added to CPMM pools, not {pool.venue.value}")
    base, quote = int(pool.base_reserve * share), int(pool.quote_reserve * share)
    own = ledger.associated(provider, pool.mint)
    cash = ledger.associated(provider, pool.quote)
    for account, needed in ((own, base), (cash, quote)):
        if not account.exists:
            ledger.endow(account, needed * 20)
    builder = TransactionBuilder(ledger, (provider,))
    if own.amount < base or cash.amount < quote:
        return transfer(rng, ledger, provider, p.TIP_ACCOUNTS[0], 1_000)
    instructions.budget(builder, 300_000, rng.randrange(1_000, 50_000))
    shares = ledger.associated(provider, pool.lp_mint)
    instructions.open_account(builder, shares, provider)
    builder.pool_accounts(pool.writable, pool.readonly)
    builder.writable(own.key, cash.key, pool.lp_mint.key, shares.key)
    builder.readonly(p.TOKEN_2022)
    minted = max(1, int(1_000_000_000_000 * share))
    vaults = (pool.base_vault, pool.quote_vault)
    accounts = (
        *(provider, pool.authority, pool.key, shares.key, own.key, cash.key, vaults[0].key),
        *(vaults[1].key, p.TOKEN, p.TOKEN_2022, pool.mint.key, pool.quote.key, pool.lp_mint.key),
    )
    builder.top(p.RAYDIUM_CPMM, accounts, p.DEPOSIT + struct.pack("<QQQ", minted, base, quote))
    builder.log(
        wire.logs(f"Program {p.RAYDIUM_CPMM_ADDRESS} invoke [1]\nProgram log: Instruction: Deposit")
    )
    instructions.transfer_checked(builder, own, vaults[0], provider, base, 2)
    instructions.transfer_checked(builder, cash, vaults[1], provider, quote, 2)
    mint_to = b"\x07" + struct.pack("<Q", minted)
    builder.inner(p.TOKEN, (pool.lp_mint.key, shares.key, pool.authority), mint_to)
    builder.issue(shares, minted)
    builder.log(wire.log(f"Program {p.RAYDIUM_CPMM_ADDRESS} success"))
    builder.compute_units += 60_000
    pool.settle(base, quote)
    return builder
