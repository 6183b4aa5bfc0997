"""A search finds what a person remembers of a name, and the nearest first."""

from __future__ import annotations

import msgspec

from pw_common.wire.history import SearchAsked
from pw_history.asked.reader import Reader
from pw_history.asked.search import found_of
from support.filled_history import opened, slot_of, token, write


def test_a_token_is_found_by_any_part_of_its_name_and_the_nearest_comes_first() -> None:
    named = [("m1", "Little Pepe", "LPEPE"), ("m2", "Pepe", "PEPE"), ("m3", "Pepe Two", "PEPE2")]
    with opened() as connection:
        tokens = [
            msgspec.structs.replace(token(mint, n + 1), name=name, symbol=symbol)
            for n, (mint, name, symbol) in enumerate(named)
        ]
        write(connection, [slot_of(n + 1, 0, [], tokens=(one,)) for n, one in enumerate(tokens)], 1)
        reader = Reader(connection)

        def found(text: str) -> list[str]:
            return [one.address for one in found_of(reader, SearchAsked(text=text))]

        assert found("pepe") == ["m2", "m3", "m1"]
        assert found("ttle p") == ["m1"]
        assert found("2") == ["m3"]
        assert found("m") == ["m3", "m2", "m1"]
        # An address is never found by its middle: it names nothing.
        assert found("1") == []
