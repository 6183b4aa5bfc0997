"""The programs of the generated market: addresses, discriminators, derived accounts.

Addresses are the public program ids of Solana mainnet; an Anchor discriminator is
the first eight bytes of sha-256("global:<instruction>"), as the Anchor book says.
"""

from __future__ import annotations

import hashlib

from solders.pubkey import Pubkey


def _key(address: str) -> bytes:
    return bytes(Pubkey.from_string(address))


def pda(program: bytes, *seeds: bytes) -> bytes:
    """A program derived address (never on the curve)."""
    return bytes(Pubkey.find_program_address(seeds, Pubkey.from_bytes(program))[0])


def anchor(instruction: str) -> bytes:
    """An Anchor instruction discriminator."""
    return hashlib.sha256(f"global:{instruction}".encode()).digest()[:8]


def anchor_event(event: str) -> bytes:
    """An Anchor event discriminator."""
    return hashlib.sha256(f"event:{event}".encode()).digest()[:8]


PUMP_ADDRESS = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMP_AMM_ADDRESS = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
RAYDIUM_V4_ADDRESS = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
RAYDIUM_CPMM_ADDRESS = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
JUPITER_ADDRESS = "JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4"
TOKEN_ADDRESS = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 - a program, no password
TOKEN_2022_ADDRESS = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105 - as above
ATA_ADDRESS = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
SYSTEM_ADDRESS = "11111111111111111111111111111111"
BUDGET_ADDRESS = "ComputeBudget111111111111111111111111111111"
VOTE_ADDRESS = "Vote111111111111111111111111111111111111111"
WSOL_ADDRESS = "So11111111111111111111111111111111111111112"
USDC_ADDRESS = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"

PUMP = _key(PUMP_ADDRESS)
PUMP_AMM = _key(PUMP_AMM_ADDRESS)
RAYDIUM_V4 = _key(RAYDIUM_V4_ADDRESS)
RAYDIUM_CPMM = _key(RAYDIUM_CPMM_ADDRESS)
JUPITER = _key(JUPITER_ADDRESS)
TOKEN = _key(TOKEN_ADDRESS)
ATA = _key(ATA_ADDRESS)
SYSTEM = _key(SYSTEM_ADDRESS)
BUDGET = _key(BUDGET_ADDRESS)
VOTE = _key(VOTE_ADDRESS)
RENT_SYSVAR = _key("SysvarRent111111111111111111111111111111111")
TOKEN_2022 = _key(TOKEN_2022_ADDRESS)
OPENBOOK = _key("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX")

PUMP_GLOBAL = pda(PUMP, b"global")
PUMP_EVENTS = pda(PUMP, b"__event_authority")
PUMP_FEES = _key("CebN5WGQ4jvEPvsVU4EoHEpgzq1VV7AbicfhtW4xC9iM")
PUMP_AMM_GLOBAL = pda(PUMP_AMM, b"global_config")
PUMP_AMM_EVENTS = pda(PUMP_AMM, b"__event_authority")
PUMP_AMM_FEES = _key("9rPYyANsfQZw3DnDmKE3YCQF5E8oD89UXoHn9JFEhJUz")
RAYDIUM_V4_AUTHORITY = _key("5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1")
RAYDIUM_CPMM_AUTHORITY = pda(RAYDIUM_CPMM, b"vault_and_lp_mint_auth_seed")
JUPITER_EVENTS = pda(JUPITER, b"__event_authority")

MAYHEM = _key("MAyhSmzXzV1pTf7LsNkrNwkWKTo4ougAJ1PPg47MD4e")
PUMP_MINTS = _key("TSLvdd1pWpHVjahSpsvCXUbgwsL3JAcvokwaKt1eokM")
PUMP_BUYBACK = _key("5YxQFdt3Tr9zJLvkFccqXVUwhdTWJQc1fFg2YPbxvxeD")
PUMP_FEE_CONFIG = _key("8Wf5TiAheLUqBrKXeYg2JtAFFMWtKdG2BSFgqUcPVwTt")
PUMP_FEE_PROGRAM = _key("pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ")
PUMP_VOLUME = pda(PUMP, b"global_volume_accumulator")
ORDER_ENGINE_ADDRESS = "61DFfeTKM7trxYcPQCM78bJ794ddZprZpAwAnLiwTpYH"
ORDER_ENGINE = _key(ORDER_ENGINE_ADDRESS)
# A venue and a bot that no table lists: keys that no program has.
UNLISTED_ADDRESS = str(Pubkey(hashlib.sha256(b"pocketwatcher/unlisted venue").digest()))
UNLISTED = _key(UNLISTED_ADDRESS)
UNLISTED_BOT = hashlib.sha256(b"pocketwatcher/unlisted bot").digest()
PHOTON = _key("BSfD6SHZigAfDWSjzD5Q41jw8LmKwtmjskPH9XW1mrRW")

# Jito's public tip accounts.
TIP_ACCOUNTS = tuple(
    _key(address)
    for address in (
        "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
        "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
        "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
        "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
        "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
        "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
        "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
        "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
    )
)

BUY = anchor("buy")
SELL = anchor("sell")
SWAP_BASE_INPUT = anchor("swap_base_input")
DEPOSIT = anchor("deposit")
ROUTE = anchor("route")
BUY_V2 = anchor("buy_v2")
SELL_V2 = anchor("sell_v2")
BUY_EXACT_QUOTE_IN_V2 = anchor("buy_exact_quote_in_v2")
CREATE_V2 = anchor("create_v2")
FILL = anchor("fill")
PUMP_CREATE_EVENT = anchor_event("CreateEvent")
PUMP_TRADE_EVENT = anchor_event("TradeEvent")
PUMP_AMM_BUY_EVENT = anchor_event("BuyEvent")
PUMP_AMM_SELL_EVENT = anchor_event("SellEvent")
JUPITER_SWAP_EVENT = anchor_event("SwapEvent")
RAYDIUM_CPMM_SWAP_EVENT = anchor_event("SwapEvent")
# The tag of Anchor's self-CPI events (`anchor_lang::event::EVENT_IX_TAG_LE`).
EVENT_TAG = bytes.fromhex("e445a52e51cb9a1d")

TOKEN_ACCOUNT_RENT = 2_039_280
TOKEN_2022_ACCOUNT_RENT = 2_074_080
