"""The plain sign rule: a token up and SOL or dollars down is a buy, the other way a sale.

It looks at the fee payer alone and knows no program. It is the least that a reader must beat, and
an example of a decoder: run as a program it speaks the protocol of `benchmark/protocol.md`, and it
needs nothing but Python.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any, Final

SOL: Final = "So11111111111111111111111111111111111111112"
DOLLARS: Final = (
    "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB",
)
QUOTES: Final = (*DOLLARS, SOL)


def trades(transaction: dict[str, Any]) -> list[dict[str, Any]]:
    """The fee payer's trades, from the signs of what its balances did."""
    meta = transaction["meta"]
    if meta["err"] is not None:
        return []
    trader = transaction["transaction"]["message"]["accountKeys"][0]
    changes: Counter[str] = Counter()
    for sign, name in ((-1, "preTokenBalances"), (1, "postTokenBalances")):
        for one in meta[name] or ():
            if one.get("owner") == trader:
                changes[one["mint"]] += sign * int(one["uiTokenAmount"]["amount"])
    changes[SOL] += meta["postBalances"][0] - meta["preBalances"][0] + meta["fee"]
    found = []
    for mint, change in sorted(changes.items()):
        if mint in QUOTES or not change:
            continue
        paid = [quote for quote in QUOTES if changes[quote] * change < 0]
        if paid:
            found.append(
                {
                    "trader": trader,
                    "side": "buy" if change > 0 else "sell",
                    "mint": mint,
                    "base_amount_raw": str(abs(change)),
                    "quote_mint": paid[0],
                    "quote_amount_raw": str(abs(changes[paid[0]])),
                }
            )
    return found


def main() -> int:
    """Answer each transaction on stdin with a line on stdout."""
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {"signature": asked["signature"], "trades": trades(asked["transaction"])}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
