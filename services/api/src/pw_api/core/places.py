"""Where a page of what history keeps goes on, as text that a client gives back. Pure."""

from __future__ import annotations

from typing import Final

from pw_common.wire.history import AlertPlace, BuyerPlace, SwapPlace, WalletPlace

# Neither numbers nor texts are longer than what is stored may be.
TIME: Final = "[0-9]{1,15}"
SMALL: Final = "[0-9]{1,10}"
BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
MINT: Final = BASE58 + "{32,44}"
SWAP: Final = rf"^{TIME}\.{TIME}\.{SMALL}\.{SMALL}\.{BASE58}{{1,100}}$"
ALERT: Final = rf"^{TIME}\.[a-z0-9_-]{{0,32}}$"
# A sum of 64-bit amounts, in 128 bits.
BUYER: Final = rf"^[0-9]{{1,38}}\.{MINT}$"
WALLET: Final = rf"^{TIME}\.{MINT}\.(?:{MINT})?$"


def swap_text(place: SwapPlace) -> str:
    """As a client gives it back."""
    numbers = place.event_time_ms, place.slot, place.index, place.ordinal
    return ".".join(map(str, (*numbers, place.signature)))


def swap_place(text: str | None) -> SwapPlace | None:
    """What `swap_text` gave, in a text that matches SWAP."""
    if text is None:
        return None
    *numbers, signature = text.split(".")
    event_time_ms, slot, index, ordinal = map(int, numbers)
    return SwapPlace(event_time_ms, slot, index, signature, ordinal)


def alert_text(place: AlertPlace) -> str:
    """As a client gives it back."""
    return f"{place.event_time_ms}.{place.id}"


def alert_place(text: str | None) -> AlertPlace | None:
    """What `alert_text` gave, in a text that matches ALERT."""
    if text is None:
        return None
    time_ms, name = text.split(".")
    return AlertPlace(int(time_ms), name)


def buyer_text(place: BuyerPlace) -> str:
    """As a client gives it back."""
    return f"{place.spent_raw}.{place.trader}"


def buyer_place(text: str | None) -> BuyerPlace | None:
    """What `buyer_text` gave, in a text that matches BUYER."""
    if text is None:
        return None
    spent_raw, trader = text.split(".")
    return BuyerPlace(int(spent_raw), trader)


def wallet_text(place: WalletPlace) -> str:
    """As a client gives it back."""
    return f"{place.last_ms}.{place.mint}.{place.quote_mint or ''}"


def wallet_place(text: str | None) -> WalletPlace | None:
    """What `wallet_text` gave, in a text that matches WALLET."""
    if text is None:
        return None
    last_ms, mint, quote_mint = text.split(".")
    return WalletPlace(int(last_ms), mint, quote_mint or None)
