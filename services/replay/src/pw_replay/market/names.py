"""Names and symbols of launched coins: mostly plain, now and then as odd as people make them."""

from __future__ import annotations

from random import Random

_FIRST = (
    *("Sleepy", "Golden", "Moon", "Tiny", "Angry", "Turbo", "Lazy", "Cosmic", "Frozen", "Lucky"),
    *("Salty", "Wild", "Quiet", "Mega", "Rusty", "Brave", "Silver", "Happy", "Ghost", "Electric"),
)
_SECOND = (
    *("Frog", "Cat", "Otter", "Bear", "Goat", "Pepper", "Rocket", "Penguin", "Hamster", "Whale"),
    *("Banana", "Robot", "Wizard", "Pigeon", "Noodle", "Koala", "Tiger", "Potato", "Llama", "Crab"),
)
# Text from the chain is anything: markup, quotes, other scripts, emoji, nothing at all.
_ODD = (
    ("<b>Free SOL</b>", "FREE"),
    ('"; DROP TABLE coins', "DROP"),
    ("月の猫", "月猫"),
    ("\N{FROG FACE}\N{ROCKET}", "\N{FROG FACE}"),
    ("  spaces  ", " SP "),
    ("", ""),
    ("=1+1", "=CALC"),
)
_ODD_ONE_IN = 40


def coin_name(rng: Random) -> tuple[str, str]:
    """A name and its symbol."""
    if rng.randrange(_ODD_ONE_IN) == 0:
        return rng.choice(_ODD)
    first, second = rng.choice(_FIRST), rng.choice(_SECOND)
    return f"{first} {second}", (first[:2] + second[:4]).upper()
