"""Known programs by id: what an invocation of each says about a transaction.

Sources: each project's public documentation or SDK, the program labels of the
public explorers (solscan.io, solana.fm), Jupiter's public program-id-to-label
list, and Jito's public documentation for the eight tip accounts. A program that
is not listed is unknown, which is said (`venues` empty), never guessed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from solders.pubkey import Pubkey

AMM: Final = "amm"
LAUNCHPAD: Final = "launchpad"
ORDERBOOK: Final = "orderbook"
AGGREGATOR: Final = "aggregator"

# Kinds whose programs themselves hold the other side of a trade.
VENUE_KINDS: Final = frozenset({AMM, LAUNCHPAD, ORDERBOOK})


class Program(NamedTuple):
    """A program that takes part in exchanges: its short name and kind."""

    name: str
    kind: str


_EXCHANGES: Final[tuple[tuple[str, str, str], ...]] = (
    ("6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P", "pumpfun", LAUNCHPAD),
    ("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA", "pumpswap", AMM),
    ("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8", "raydium_v4", AMM),
    ("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C", "raydium_cpmm", AMM),
    ("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK", "raydium_clmm", AMM),
    ("LanMV9sAd7wArD4vJFi2qDdfnVhFxYSUg6eADduJ3uj", "raydium_launchlab", LAUNCHPAD),
    ("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc", "orca_whirlpool", AMM),
    ("9W959DqEETiGZocYWCQPaJ6sBmUzgfxXfqGeTEdp3aQP", "orca_v2", AMM),
    ("DjVE6JNiYqPL2QXyCUUh8rNjHrbz9hXHNYt99MQ59qw1", "orca_v1", AMM),
    ("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo", "meteora_dlmm", AMM),
    ("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB", "meteora_damm_v1", AMM),
    ("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG", "meteora_damm_v2", AMM),
    ("dbcij3LWUppWqq96dh6gJWwBifmcGfLSB5D4DuSMaqN", "meteora_dbc", LAUNCHPAD),
    ("MoonCVVNZFSYkqNXP6bxHLPL6QQJiMagDL3qcqUQTrG", "moonit", LAUNCHPAD),
    ("HEAVENoP2qxoeuF8Dj2oT1GHEnu49U5mJYkdeC8BAX2o", "heaven", LAUNCHPAD),
    ("boop8hVGQGqehUK2iVEMEnMrL5RbjywRzHKBmBE7ry4", "boop", LAUNCHPAD),
    ("EewxydAPCCVuNEyrVN68PuSYdQ7wKn27V9Gjeoi8dy3S", "lifinity_v1", AMM),
    ("2wT8Yq49kHgDzXuPxZSaeLaH1qbmGXtEyPy64bL7aD3c", "lifinity_v2", AMM),
    ("PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY", "phoenix", ORDERBOOK),
    ("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX", "openbook_v1", ORDERBOOK),
    ("opnb2LAfJYbRMAHHvqjCwQxanZn7ReEHp1k81EohpZb", "openbook_v2", ORDERBOOK),
    ("9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin", "serum_v3", ORDERBOOK),
    ("SSwpkEEcbUqx4vtoEByFjSkhKdCT862DNVb52nZg1UZ", "saber", AMM),
    ("AMM55ShdkoGRB5jVYPjWziwk8m5MpwyDgsMWHaMSQWH6", "aldrin_v1", AMM),
    ("CURVGoZn8zycx6FXwwevgBTB2gVvdbGTEpvMJDbgs2t4", "aldrin_v2", AMM),
    ("CLMM9tUoggJu2wagPkkqs9eFG4BWhVBZWkP1qv3Sp7tR", "crema", AMM),
    ("HyaB3W9q6XdA5xwpU4XnSZV94htfmbmqJXZcEbRaJutt", "invariant", AMM),
    ("FLUXubRmkEi2q6K3Y9kBPg9248ggaZVsoSFhtJHSrm1X", "fluxbeam", AMM),
    ("SSwapUtytfBdBn1b9NUGG6foMVPtcWgpRU32HToDUZr", "saros", AMM),
    ("MERLuDFBMmsHnsBPZw2sDQZHvXFMwp8EdjudcU2HKky", "mercurial", AMM),
    ("PSwapMdSai8tjrEXcxFeQth87xC4rRsa4VA5mhGhXkP", "penguin", AMM),
    ("SwaPpA9LAaLfeLi3a68M4DjnLqgtticKg6CnyNwgAC8", "token_swap", AMM),
    ("SwapsVeCiPHMUAtzQWZw7RjsKjgCjhwU55QGu4U1Szw", "step", AMM),
    ("swapNyd8XiQwJ6ianp9snpu4brUqFxadzvHebnAXjJZ", "stabble_stable", AMM),
    ("swapFpHZwjELNnjvThjajtiVmkz3yPQEHjLtka2fwHW", "stabble_weighted", AMM),
    ("HpNfyc2Saw7RKkQd8nEL4khUcuPhQ7WwY1B2qjx8jxFq", "pancakeswap", AMM),
    ("obriQD1zbpyLz95G5n7nJe6a4DPjpFwa5XYPoNm113y", "obric_v2", AMM),
    ("SoLFiHG9TfgtdUXUjWAxi3LtvYuFyDLVhBWxdMZxyCe", "solfi", AMM),
    ("ZERor4xhbUycZ6gb9ntrhqscUcZmAbQDjEAtCf4hbZY", "zerofi", AMM),
    ("9H6tua7jkLhdm3w8BvgpTn5LZNU7g4ZynDmCiNN3q6Rp", "humidifi", AMM),
    ("TessVdML9pBGgG9yGks7o4HewRaXVAMuoVj4x83GLQH", "tessera", AMM),
    ("goonERTdGsjnkZqWuVjs73BZ3Pb9qoCUdBUL17BnS5j", "goonfi", AMM),
    ("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4", "jupiter_v6", AGGREGATOR),
    ("JUP4Fb2cqiRUcaTHdrPC8h2gNsA2ETXiPDD33WcGuJB", "jupiter_v4", AGGREGATOR),
    ("JUP3c2Uh3WA4Ng34tw6kPd2G4C5BB21Xo36Je1s32Ph", "jupiter_v3", AGGREGATOR),
    ("JUP2jxvXaqu7NQY1GmNF4m1vodw12LVXYxbFL2uJvfo", "jupiter_v2", AGGREGATOR),
    ("jupoNjAxXgZ4rjzxzPMP4oxduvQsQtZzyknqvzYNrNu", "jupiter_limit_v1", AGGREGATOR),
    ("j1o2qRpjcyUwEvwtcfhEQefh773ZgjxcVRry7LDqg5X", "jupiter_limit_v2", AGGREGATOR),
    ("DCA265Vj8a9CEuX1eb1LWRnDT7uK6q1xMipnNyatn23M", "jupiter_dca", AGGREGATOR),
    ("routeUGWgWzqBWFcrCfv8tritsqukccJPu3q5GPP3xS", "raydium_route", AGGREGATOR),
    ("6m2CDdhRgxpH4WjvdzxAYbGxwdGUz5MziiL5jek2kBma", "okx_dex", AGGREGATOR),
    ("DF1ow4tspfHX9JwWJsAb9epbkA8hmpSEAtxXy1V27QBH", "dflow", AGGREGATOR),
    ("BSfD6SHZigAfDWSjzD5Q41jw8LmKwtmjskPH9XW1mrRW", "photon", AGGREGATOR),
)

# Where a venue's swap instructions name the authority of the user's token accounts
# (negative: from the end), by the public IDLs of the programs. Two places where an
# older and a newer swap instruction differ.
USER_POSITIONS: Final[dict[str, tuple[int, ...]]] = {
    "pumpfun": (6,),
    "pumpswap": (1,),
    "raydium_v4": (-1,),
    "raydium_cpmm": (0,),
    "raydium_clmm": (0,),
    "raydium_launchlab": (0,),
    "orca_whirlpool": (1, 3),
    "meteora_dlmm": (10,),
    "meteora_damm_v1": (12,),
    "meteora_damm_v2": (8,),
    "meteora_dbc": (9,),
    "jupiter_v6": (1, 2),
}

# Order books whose instructions mostly manage orders: the tags of those that take one.
# OpenBook v2: github.com/openbook-dex/openbook-v2, `place_take_order`.
TAKES: Final[dict[str, frozenset[bytes]]] = {
    "openbook_v2": frozenset({bytes.fromhex("032c47031ac7cb55")}),
}

# https://docs.jito.wtf, "Tip accounts".
_JITO_TIP_ACCOUNTS: Final = (
    "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
    "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
    "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
    "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
    "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
    "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
    "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
    "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
)


def _raw(address: str) -> bytes:
    return bytes(Pubkey.from_string(address))


EXCHANGES: Final[dict[bytes, Program]] = {
    _raw(address): Program(name, kind) for address, name, kind in _EXCHANGES
}
VENUE_NAMES: Final = frozenset(p.name for p in EXCHANGES.values() if p.kind in VENUE_KINDS)
TIP_ACCOUNTS: Final[frozenset[bytes]] = frozenset(_raw(a) for a in _JITO_TIP_ACCOUNTS)

SYSTEM_PROGRAM: Final = bytes(32)
TOKEN_PROGRAMS: Final[frozenset[bytes]] = frozenset(
    {
        _raw("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"),
        _raw("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"),
    }
)

SOL_MINT: Final = "So11111111111111111111111111111111111111112"
SOL_DECIMALS: Final = 9
USDC_MINT: Final = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USDT_MINT: Final = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
USD1_MINT: Final = "USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB"

# In order of preference where a trader's trade could be read in several.
STABLE_MINTS: Final = (USDC_MINT, USDT_MINT, USD1_MINT)
QUOTE_MINTS: Final = frozenset({SOL_MINT, *STABLE_MINTS})
