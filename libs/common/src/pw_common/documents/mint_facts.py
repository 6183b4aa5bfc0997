"""What a node says of a mint, read from its account, and how it is kept (`mint_facts.v1`).

None of it is in the stream, so nothing that decides depends on it: it is only shown.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

# A mint of one of the two token programs, an account that is none, or no account at all.
MintKind: TypeAlias = Literal["spl_token", "token_2022", "not_a_mint", "absent"]
# Where a name was read: in the mint itself, or in the account that Metaplex keeps beside it.
NamedIn: TypeAlias = Literal["token_2022", "metaplex"]
Said: TypeAlias = str | int | float | bool | None


class MintExtension(msgspec.Struct, frozen=True, kw_only=True):
    """An extension of a Token-2022 mint.

    `name` is null for a number that is not in our table. `says` is what it holds, where its
    layout is known: addresses (null: nobody), `…_raw` amounts, `…_bps` hundredths of a percent,
    `…_s` seconds since 1970.
    """

    number: int
    name: str | None
    says: dict[str, Said] = {}


class MintFacts(msgspec.Struct, frozen=True, kw_only=True, rename={"by": "from"}):
    """A mint's account as a node showed it at `slot`; what may change was so at that slot.

    `kind` says whether it is a mint at all, else `why` says what it is, and everything else is
    null. Of a mint, an authority that is null is nobody's: nothing more can be minted, or frozen.
    `name` and `symbol` are null where none are written where we look, and fit to be shown.
    `asked_ms` is by our clock, `host` the node's, without its key. `extensions_cut`: there are
    more than these.
    """

    mint: str
    kind: MintKind
    slot: int
    asked_ms: int
    host: str
    by: Literal["rpc"] = "rpc"
    why: str = ""
    supply_raw: int | None = None
    decimals: int | None = None
    mint_authority: str | None = None
    freeze_authority: str | None = None
    name: str | None = None
    symbol: str | None = None
    named_in: NamedIn | None = None
    update_authority: str | None = None
    is_mutable: bool | None = None
    extensions: tuple[MintExtension, ...] = ()
    extensions_cut: bool = False


class KeptFacts(msgspec.Struct, frozen=True, kw_only=True, tag="mint_facts.v1"):
    """What is kept of a mint: the facts that a node gave last, and when it was tried last.

    `why` says what kept the last try from giving facts; empty where it gave them.
    """

    mint: str
    tried_ms: int
    facts: MintFacts | None = None
    why: str = ""
