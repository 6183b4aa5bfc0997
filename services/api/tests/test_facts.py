"""When a node is asked about a mint, and which name is shown."""

from __future__ import annotations

import pytest

from pw_api.core.facts import AGAIN_MS, FRESH_MS, Found, done_of, facts_answer, is_due
from pw_common.documents.mint_facts import KeptFacts, MintFacts, MintKind

NOW_MS = 10_000_000


def facts(kind: MintKind = "spl_token", **more: str) -> MintFacts:
    return MintFacts(mint="m", kind=kind, slot=1, asked_ms=1, host="h", **more)  # type: ignore[arg-type]


def kept(ago_ms: int, found: MintFacts | None = None, why: str = "") -> KeptFacts:
    return KeptFacts(mint="m", tried_ms=NOW_MS - ago_ms, facts=found, why=why)


@pytest.mark.parametrize(
    ("found", "why", "shown_ms", "done"),
    [
        (facts(), "", FRESH_MS, "given"),
        (facts("token_2022"), "", FRESH_MS, "given"),
        (facts("absent"), "", AGAIN_MS, "none"),
        (facts("not_a_mint"), "", AGAIN_MS, "none"),
        (facts(), "HTTP 503", AGAIN_MS, "failed"),
        (None, "HTTP 503", AGAIN_MS, "failed"),
    ],
)
def test_a_mint_is_asked_about_once_in_a_while_whether_the_node_answered_or_not(
    found: MintFacts | None, why: str, shown_ms: int, done: str
) -> None:
    assert not is_due(kept(0, found, why), NOW_MS)
    assert not is_due(kept(shown_ms - 1, found, why), NOW_MS)
    assert is_due(kept(shown_ms, found, why), NOW_MS)
    # Another replica's clock, or a clock that was set back, keeps nothing for ever.
    assert is_due(kept(-1, found, why), NOW_MS)
    assert done_of(kept(0, found, why)) == done


def test_a_mint_that_nobody_asked_about_is_asked_about() -> None:
    assert is_due(None, NOW_MS)


@pytest.mark.parametrize(
    ("stream", "node", "shown"),
    [
        (None, None, None),
        (None, "B", ("B", "rpc", None)),
        ("", "B", ("B", "rpc", None)),
        ("A", None, ("A", "stream", None)),
        ("A", "A", ("A", "stream", None)),
        ("A", "B", ("A", "stream", "B")),
        # The stream has it as it came, and it is compared as it is shown.
        ("A\n", "A\ufffd", ("A\ufffd", "stream", None)),
    ],
)
def test_the_streams_word_is_shown_and_another_one_of_the_node_beside_it(
    stream: str | None, node: str | None, shown: tuple[str, str, str | None] | None
) -> None:
    told = facts(name=node, symbol=node) if node else None
    found = Found(KeptFacts(mint="m", tried_ms=1, facts=told), "")
    answer = facts_answer("m", (stream, stream), found, stream_missing="")
    for one in (answer.name, answer.symbol):
        assert (one and (one.value, one.by, one.rpc)) == shown


def test_without_a_node_there_is_the_streams_word_and_why_there_is_no_more() -> None:
    answer = facts_answer("m", ("A", None), Found(None, "off"), stream_missing="")
    assert answer.name is not None
    assert (answer.name.value, answer.node, answer.missing) == ("A", None, "off")
