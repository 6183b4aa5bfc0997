"""Facts of a mint that are not in the stream: when a node is asked, and which name is shown.

| what is kept of a mint                  | asked again                                   |
| --------------------------------------- | --------------------------------------------- |
| nothing                                 | at once                                       |
| the facts of a mint                     | after `FRESH_MS`; until then they are shown   |
| that it is none, or that the node failed | after `AGAIN_MS`, facts of before being shown |
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_api.models.shapes import FactsAnswer, ShownText
from pw_common.documents.mint_facts import KeptFacts
from pw_common.text.plain_text import plain_text

# Supply and authorities change; a page that stays open sees it.
FRESH_MS: Final = 600_000
AGAIN_MS: Final = 120_000
OFF: Final = "No node is asked: name one in PW_API_FACTS_RPC_URL."
MINTS: Final = frozenset({"spl_token", "token_2022"})


class Found(NamedTuple):
    """What is known of a mint from the node; `missing` says why it is not there, or not new."""

    kept: KeptFacts | None
    missing: str


def is_due(kept: KeptFacts | None, now_ms: int) -> bool:
    """Whether the node is to be asked; a try of the future is another clock's, and counts less."""
    if kept is None:
        return True
    is_good = kept.facts is not None and kept.facts.kind in MINTS and not kept.why
    return not 0 <= now_ms - kept.tried_ms < (FRESH_MS if is_good else AGAIN_MS)


def done_of(kept: KeptFacts) -> str:
    """How asking ended, as the metric has it."""
    if kept.why or kept.facts is None:
        return "failed"
    return "given" if kept.facts.kind in MINTS else "none"


def facts_answer(
    mint: str,
    stream: tuple[str | None, str | None],
    found: Found,
    *,
    stream_missing: str,
) -> FactsAnswer:
    """What is shown.

    Args:
        stream: Name and symbol as the stream had them, if it did.
        found: What the node said.
        stream_missing: Why the stream's are not known at all.
    """
    facts = None if found.kept is None else found.kept.facts
    name, symbol = stream
    return FactsAnswer(
        mint=mint,
        name=_shown(name, None if facts is None else facts.name),
        symbol=_shown(symbol, None if facts is None else facts.symbol),
        node=facts,
        missing=found.missing,
        stream_missing=stream_missing,
    )


def _shown(stream: str | None, node: str | None) -> ShownText | None:
    """The stream's word holds, since alerts have it too; another one of the node is not hidden."""
    if not stream:
        return None if node is None else ShownText(value=node, by="rpc")
    text = plain_text(stream)
    return ShownText(value=text, by="stream", rpc=node if node not in {None, text} else None)
