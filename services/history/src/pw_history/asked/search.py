"""What a text names: an index of nothing, since all of it is read in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from pw_common.wire.history import ROWS_MAX, Found, SearchAsked
from pw_history.asked.reader import Reader
from pw_history.store.derived import hash_of

SIGNATURE_CHARACTERS_MIN: Final = 64


def found_of(reader: Reader, asked: SearchAsked) -> Iterator[Found]:
    """Tokens by symbol, name and mint first, then those without a name, wallets, a signature.

    Of tokens, those come first whose symbol it is, then those whose symbol or name begins with it,
    then those that have it within. Addresses begin with it; a signature is the whole of it.
    """
    text = asked.text.strip()
    last = asked.skip + min(asked.limit, ROWS_MAX)
    if text:
        yield from islice(_all(reader, text, last), asked.skip, last)


def _all(reader: Reader, text: str, limit: int) -> Iterator[Found]:
    """In their order; each kind is looked for once those before it are given."""
    values = {"text": text}
    tokens = reader.rows(
        f"""
        SELECT mint, name, symbol FROM tokens
        WHERE contains(lower(symbol), lower($text)) OR contains(lower(name), lower($text))
        OR starts_with(mint, $text)
        ORDER BY lower(symbol) = lower($text) DESC,
            starts_with(lower(symbol), lower($text)) OR starts_with(lower(name), lower($text))
                OR starts_with(mint, $text) DESC,
            event_time_ms DESC, mint
        LIMIT {limit}
        """,
        values,
    )
    for mint, name, symbol in list(tokens):
        yield Found(kind="token", address=mint, name=name, symbol=symbol)
    # Tokens that were traded, and whose creation nobody saw.
    traded = reader.rows(
        f"""
        SELECT mint FROM mints WHERE starts_with(mint, $text)
        AND mint NOT IN (SELECT mint FROM tokens) ORDER BY mint LIMIT {limit}
        """,
        values,
    )
    for (mint,) in list(traded):
        yield Found(kind="token", address=mint)
    wallets = reader.rows(
        f"""
        SELECT DISTINCT trader FROM ({reader.hours("starts_with(trader, $text)")})
        ORDER BY trader LIMIT {limit}
        """,
        values,
    )
    for (trader,) in list(wallets):
        yield Found(kind="wallet", address=trader)
    if len(text) >= SIGNATURE_CHARACTERS_MIN:
        query = f"""
            SELECT DISTINCT signature FROM swaps
            WHERE signature_hash = {hash_of(text)} AND signature = $text
        """
        for (signature,) in list(reader.rows(query, values)):
            yield Found(kind="signature", address=signature)
