"""What is added beside a real trade, and who pays for it, changes nothing of the trade."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from pw_common.wire.captures import read_capture
from pw_common.wire.messages import Swap
from pw_geyser import geyser_pb2
from pw_parser.core.decode.programs import SYSTEM_PROGRAM, TIP_ACCOUNTS, TOKEN_PROGRAMS
from pw_parser.core.parse import parse

SYSTEM_TRANSFER = (2).to_bytes(4, "little")
ACCOUNTS_MAX = 240


def key(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def wallet(name: str) -> bytes:
    return bytes(Keypair.from_seed(key(name)).pubkey())


class Changed:
    """A real transaction that can be added to; all of its keys stand in the message."""

    def __init__(self, raw: bytes) -> None:
        self.update = geyser_pb2.SubscribeUpdate.FromString(raw)
        info = self.update.transaction.transaction
        self.meta, self.message = info.meta, info.transaction.message
        self.message.account_keys.extend(self.meta.loaded_writable_addresses)
        self.message.account_keys.extend(self.meta.loaded_readonly_addresses)
        del self.meta.loaded_writable_addresses[:], self.meta.loaded_readonly_addresses[:]

    def account(self, address: bytes, lamports: int = 10**10) -> int:
        keys = list(self.message.account_keys)
        if address in keys:
            return keys.index(address)
        self.message.account_keys.append(address)
        self.meta.pre_balances.append(lamports)
        self.meta.post_balances.append(lamports)
        return len(keys)

    def pays(self, address: bytes, lamports: int) -> None:
        """The fee payer sends SOL at the outer level, and had so much more before."""
        system, to = self.account(SYSTEM_PROGRAM), self.account(address)
        self.meta.pre_balances[0] += lamports
        self.meta.post_balances[to] += lamports
        data = SYSTEM_TRANSFER + lamports.to_bytes(8, "little")
        self.message.instructions.add(program_id_index=system, accounts=bytes([0, to]), data=data)

    def relayed(self) -> None:
        """Another wallet signs first and pays the network's fee; all others move up by one."""
        last = self.account(wallet("relayer"))
        self.meta.post_balances[0] += self.meta.fee
        self.meta.post_balances[last] -= self.meta.fee
        for field in (
            self.message.account_keys, self.meta.pre_balances, self.meta.post_balances
        ):  # fmt: skip
            values: list[Any] = list(field)
            field[:] = [values[-1], *values[:-1]]
        inner = [one for group in self.meta.inner_instructions for one in group.instructions]
        called: list[Any] = [*self.message.instructions, *inner]
        for one in called:
            one.program_id_index += 1
            one.accounts = bytes(index + 1 for index in one.accounts)
        for row in (*self.meta.pre_token_balances, *self.meta.post_token_balances):
            row.account_index += 1
        self.message.header.num_required_signatures += 1

    def bytes(self) -> bytes:
        return bytes(self.update.SerializeToString())


def with_a_tip(made: Changed) -> None:
    made.pays(min(TIP_ACCOUNTS), 12_345_678)


def with_a_gift(made: Changed) -> None:
    made.pays(wallet("friend"), 77_345_678)


def with_strangers_who_move_another_token(made: Changed) -> None:
    token = made.account(min(TOKEN_PROGRAMS))
    ends = [made.account(key(f"token account of {name}")) for name in ("carol", "dave")]
    mint = str(Pubkey.from_bytes(key("another mint")))
    for rows, raws in (
        (made.meta.pre_token_balances, (500, 0)),
        (made.meta.post_token_balances, (0, 500)),
    ):
        for index, name, raw in zip(ends, ("carol", "dave"), raws, strict=True):
            row = rows.add(account_index=index, mint=mint)
            row.owner = str(Pubkey.from_bytes(wallet(name)))
            row.ui_token_amount.amount, row.ui_token_amount.decimals = str(raw), 6
    data = b"\x03" + (500).to_bytes(8, "little")
    accounts = bytes([*ends, ends[0]])
    made.message.instructions.add(program_id_index=token, accounts=accounts, data=data)


def by_a_relayer(made: Changed) -> None:
    made.relayed()


def not_signed_by_the_trader(made: Changed) -> None:
    """A relayer alone signs, as where an allowance or a session key lets it trade."""
    made.relayed()
    made.message.header.num_required_signatures = 1


def trades(raw: bytes) -> set[tuple[object, ...]]:
    return {
        (s.trader, s.side, s.mint, s.base_amount_raw, s.quote_mint, s.quote_amount_raw)
        for s in parse(raw).events
        if isinstance(s, Swap)
    }


@pytest.mark.corpus
@pytest.mark.parametrize(
    "change",
    [
        with_a_tip, with_a_gift, with_strangers_who_move_another_token, by_a_relayer,
        not_signed_by_the_trader,
    ],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_trades_stay_as_they_are(
    real_updates: list[bytes], corpus_dir: Any, change: Callable[[Changed], None]
) -> None:
    newer = corpus_dir / "2026" / "assorted.pb.gz"
    checked = 0
    for raw in (*real_updates, *(read_capture(newer) if newer.is_file() else ())):
        parsed = parse(raw)
        if parsed.kind != "transaction" or parsed.failed or parsed.vote:
            continue
        made = Changed(raw)
        signers = made.message.header.num_required_signatures
        unsigned = change is not_signed_by_the_trader
        if unsigned and (signers > 1 or not trades(raw)):
            continue
        if len(made.message.account_keys) > ACCOUNTS_MAX:
            continue
        change(made)
        was, now = trades(raw), trades(made.bytes())
        if unsigned:
            # Only signers pay fees by a call, so that one of them may now be in the price.
            was, now = ({trade[:5] for trade in found} for found in (was, now))
        assert now == was, parsed.signature
        checked += bool(was)
    assert checked >= 200
