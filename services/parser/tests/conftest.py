"""Synthetic transactions in real wire form, and the real ones where they are at hand."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from pw_common.wire.framing import split
from pw_geyser import geyser_pb2

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
SYSTEM = "11111111111111111111111111111111"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
SOL = "So11111111111111111111111111111111111111112"
RENT = 2_039_280
# A wallet with plenty, so that balances never go below zero.
PLENTY = 100_000_000_000


class Draft:
    """A transaction in the making. Names are hashed to keys: `curve`, `pool` and `vault`
    names to program addresses, 32 byte base58 names are kept, all others to wallets.
    """

    def __init__(self, *signers: str, fee: int = 5_000) -> None:
        self.names = list(signers)
        self.signer_count = len(signers)
        self.fee = fee
        self.pre: dict[str, int] = dict.fromkeys(signers, PLENTY)
        self.post: dict[str, int] = dict(self.pre)
        self.post[signers[0]] -= fee
        self.tokens: list[tuple[str, str, str, int | None, int | None, int]] = []
        self.outer: list[tuple[str, list[str], bytes]] = []
        self.inner: list[tuple[str, list[str], bytes]] = []
        # Stack heights of the inner instructions; none are written where all are 0.
        self.heights: list[int] = []
        self.failed = False
        self.vote = False
        self.token_program = TOKEN

    @staticmethod
    def address(name: str) -> str:
        if len(name) >= 32:
            return name
        digest = hashlib.sha256(name.encode()).digest()
        if name.startswith(("curve", "pool", "vault", "mint")):
            return str(Pubkey.find_program_address([digest], Pubkey.from_string(PUMP))[0])
        return str(Keypair.from_seed(digest).pubkey())

    def _index(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
            self.pre.setdefault(name, 0)
            self.post.setdefault(name, self.pre[name])
        return self.names.index(name)

    def sol(self, name: str, change: int, *, before: int = PLENTY) -> Draft:
        if name not in self.names:
            self.pre[name] = self.post[name] = before
        self._index(name)
        self.post[name] += change
        return self

    def token(
        self, owner: str, mint: str, pre: int | None, post: int | None, *, places: int = 6
    ) -> Draft:
        """None means that there was, or is, no such account; its rent stands in lamports."""
        account = f"token account {len(self.tokens)} of {owner}"
        native = mint == SOL
        for lamports, amount in ((self.pre, pre), (self.post, post)):
            rent_and_sol = RENT + (amount if native and amount else 0)
            lamports[account] = 0 if amount is None else rent_and_sol
        self._index(account)
        self.tokens.append((account, owner, mint, pre, post, places))
        return self

    def last_account(self) -> str:
        return self.tokens[-1][0]

    def invoke(
        self, program: str, accounts: tuple[str, ...] = (), data: bytes = b"\x01", *, inner: bool
    ) -> Draft:
        for name in (program, *accounts):
            self._index(name)
        (self.inner if inner else self.outer).append((program, list(accounts), data))
        if inner:
            self.heights.append(0)
        return self

    def call(self, program: str, *accounts: str, height: int = 2) -> Draft:
        """An instruction below the outer one, at a height; what follows higher is its own."""
        self.invoke(program, accounts, b"\x07", inner=True)
        self.heights[-1] = height
        return self

    def move(self, source: str, to: str, authority: str, raw: int, *, height: int = 2) -> Draft:
        """A token transfer between accounts by name (see `last_account`)."""
        data = b"\x03" + raw.to_bytes(8, "little")
        self.invoke(self.token_program, (source, to, authority), data, inner=True)
        self.heights[-1] = height
        return self

    def swap(
        self, trader: str, pool: str, given: str, got: str, raws: tuple[int, int], height: int = 2
    ) -> Draft:
        """Both sides of an exchange move, below the call that ran last (or the outer one)."""
        self.move(
            self.account(trader, given), self.account(pool, given), trader, raws[0], height=height
        )
        return self.move(
            self.account(pool, got), self.account(trader, got), pool, raws[1], height=height
        )

    def account(self, owner: str, mint: str) -> str:
        """The token account of an owner, which must have been declared."""
        return next(t[0] for t in self.tokens if (t[1], t[2]) == (owner, mint))

    def system(
        self,
        tag: int,
        source: str,
        to: str,
        lamports: int,
        *,
        inner: bool = False,
        height: int = 0,
    ) -> Draft:
        data = tag.to_bytes(4, "little") + lamports.to_bytes(8, "little")
        if tag == 0:
            data += (165).to_bytes(8, "little") + bytes(32)
        self.invoke(SYSTEM, (source, to), data, inner=inner)
        if height:
            self.heights[-1] = height
        return self

    def message(self) -> geyser_pb2.SubscribeUpdate:
        update = geyser_pb2.SubscribeUpdate()
        update.transaction.slot = 7
        info = update.transaction.transaction
        info.signature = bytes(range(64))
        info.is_vote = self.vote
        info.index = 3
        info.transaction.signatures.append(info.signature)
        message, meta = info.transaction.message, info.meta
        message.header.num_required_signatures = self.signer_count
        for name in self.names:
            key = "curve" if name.startswith("token account") else name
            raw = bytes(Pubkey.from_string(self.address(key)))
            if key != name:
                raw = hashlib.sha256(name.encode()).digest()
            message.account_keys.append(raw)
            meta.pre_balances.append(self.pre[name])
            meta.post_balances.append(self.post[name])
        for program, accounts, data in self.outer:
            message.instructions.add(
                program_id_index=self.names.index(program),
                accounts=bytes(self.names.index(a) for a in accounts),
                data=data,
            )
        group = meta.inner_instructions.add(index=0)
        for (program, accounts, data), height in zip(self.inner, self.heights, strict=True):
            group.instructions.add(
                program_id_index=self.names.index(program),
                accounts=bytes(self.names.index(a) for a in accounts),
                data=data,
                stack_height=height or None,
            )
        for account, owner, mint, pre, post, places in self.tokens:
            for rows, amount in ((meta.pre_token_balances, pre), (meta.post_token_balances, post)):
                if amount is not None:
                    row = rows.add(account_index=self.names.index(account))
                    row.mint, row.owner = self.address(mint), self.address(owner)
                    row.program_id = self.token_program
                    row.ui_token_amount.amount = str(amount)
                    row.ui_token_amount.decimals = places
        meta.fee = self.fee
        if self.failed:
            meta.err.err = b"\x01"
        return update

    def update(self) -> bytes:
        return self.message().SerializeToString()


def pump_buy(
    *traders: str, base: int = 5_000_000, lamports: int = 1_000_000_000, venue: str = PUMP
) -> Draft:
    """Each trader buys `base` of mint `mint-a` from the curve for `lamports`, on open accounts."""
    draft = Draft(*traders).invoke(venue, ("curve", *traders), inner=False)
    for trader in traders:
        draft.token(trader, "mint-a", 0, base)
        draft.sol(trader, -lamports)
        draft.system(2, trader, "curve", lamports, inner=True)
    count = len(traders)
    draft.token("curve", "mint-a", 900_000_000, 900_000_000 - base * count)
    draft.sol("curve", lamports * count, before=30_000_000_000)
    return draft


@pytest.fixture
def draft() -> Callable[..., Draft]:
    return Draft


@pytest.fixture
def buy() -> Callable[..., Draft]:
    return pump_buy


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    folder = Path(os.environ.get("PW_CORPUS_DIR", "../shared/corpus")).resolve()
    if not (folder / "expected.jsonl").is_file():
        pytest.skip(f"NO REAL TRANSACTIONS in {folder}: set PW_CORPUS_DIR")
    return folder


@pytest.fixture(scope="session")
def real_updates(corpus_dir: Path) -> list[bytes]:
    return [
        update
        for path in sorted(corpus_dir.glob("*.pb.gz"))
        for update in split(gzip.decompress(path.read_bytes()))
    ]
