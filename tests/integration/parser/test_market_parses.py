"""The generated market against the real parser: what is meant is what is read."""

from collections import Counter

from pw_common.wire.messages import Swap
from pw_parser.core.parse import parse
from pw_replay.market import generate_labelled


def test_generated_trades_are_read_as_they_are_meant() -> None:
    wrong: Counter[str] = Counter()
    trades = 0
    invented = 0
    others = 0
    for update, truth in generate_labelled(seed=3, minutes=1.5, tps=150):
        swaps = [e for e in parse(update).events if isinstance(e, Swap)]
        if truth is None:
            others += 1
            invented += bool(swaps)
            continue
        trades += 1
        read = [
            (s.trader, s.side, s.mint, s.base_amount_raw, s.quote_amount_raw, s.quote_mint)
            for s in swaps
        ]
        meant = (
            *(truth.trader, truth.side, truth.mint, truth.base_amount_raw),
            *(truth.quote_amount_raw, truth.quote_mint),
        )
        if read != [meant]:
            wrong[f"{truth.venue} {truth.side} routed={truth.routed}"] += 1
    assert trades > 5_000
    assert sum(wrong.values()) < trades / 100, wrong
    assert invented < others / 100


def test_generated_venues_speak_as_the_real_ones_do() -> None:
    unparsed: Counter[str] = Counter()
    opinions: Counter[str] = Counter()
    for update, _ in generate_labelled(seed=4, minutes=0.3, tps=150):
        parsed = parse(update)
        unparsed.update(one.venue for one in parsed.said.unparsed)
        for event in parsed.events:
            if isinstance(event, Swap):
                opinions["agrees"] += "event_agrees" in event.reasons
                opinions["else"] += "event_agrees" not in event.reasons
    assert not unparsed
    assert opinions["agrees"] > 500
    assert opinions["else"] < opinions["agrees"] / 100
