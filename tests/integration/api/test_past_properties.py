"""Anything at all asked about the past: an answer or a refusal in words, never a fault."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import anyio.from_thread
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.keeping import kept_market

ADDRESS = "So11111111111111111111111111111111111111112"
SPAN = ("first_ms", "end_ms", "limit")
TAKEN = {
    "swaps": (*SPAN, "mint", "wallet", "before"),
    "tokens/{}/swaps": (*SPAN, "before"),
    "tokens/{}/candles": (*SPAN, "step", "quote"),
    "tokens/{}/buyers": ("quote", "limit", "before"),
    "tokens/{}/swaps.csv": (*SPAN, "after"),
    "tokens/{}/swaps.parquet": (*SPAN, "after"),
    "wallets/{}": ("mint", "limit", "before"),
    "wallets/{}/totals": (),
    "wallets/{}/swaps": (*SPAN, "mint", "before"),
    "wallets/{}/swaps.csv": (*SPAN, "after"),
    "search": ("q", "limit", "skip"),
    "days": ("before_ms", "limit"),
    "alerts": (*SPAN, "mint", "trigger", "kind", "before", "before_seq"),
    "alerts/{}": (),
}
# What each may be, at its very ends.
GOOD = {
    "first_ms": ("0", "1", "1790000000000", "253402300799998"),
    "end_ms": ("1", "1790000000000", "253402300799999"),
    "before_ms": ("0", "253402300799999"),
    "limit": ("1", "20", "100"),
    "skip": ("0", "1000"),
    "step": ("1m", "15m", "1d"),
    "kind": ("opened", "closed"),
    "trigger": ("quick",),
    "before_seq": ("1", str(2**53)),
    "q": ("a", "%", "_", "'", "\x00", "z" * 100),
    "before": (
        f"1.2.3.{ADDRESS}", f"{10**38 - 1}.{ADDRESS}", f"{10**15 - 1}.{ADDRESS}.",
        f"{10**15 - 1}.{ADDRESS}.{ADDRESS}", "999999999999999.999999999.999999999.zz", "1.",
    ),
}  # fmt: skip
text = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.one_of(
    text,
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(["' OR 1=1 --", "%00", "\x00", "${mint}", "1e3", "+1", "1 ", "٣", "NaN"]),
)
asked = st.sampled_from(sorted(TAKEN)).flatmap(
    lambda path: st.tuples(
        st.just(path),
        st.fixed_dictionaries(
            {},
            optional={
                name: st.sampled_from(
                    GOOD.get(name, GOOD["before"] if name == "after" else (ADDRESS,))
                )
                for name in TAKEN[path]
            },
        ),
        st.dictionaries(st.sampled_from((*TAKEN[path], "other")), values, max_size=1),
    )
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("past")
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(kept_market(folder, minutes=0.2)) as kept,
        httpx.Client(
            base_url=kept.client.base_url, headers=kept.client.headers, timeout=30, trust_env=False
        ) as asking,
    ):
        yield asking


@settings(max_examples=400, deadline=None)
@given(asked=asked, of=st.just(ADDRESS) | values.filter(bool))
def test_whatever_is_asked_is_answered_or_refused_in_words(
    client: httpx.Client, asked: tuple[str, dict[str, str], dict[str, str]], of: str
) -> None:
    path, good, odd = asked
    where = f"/api/v1/{path.format(quote(of, safe=''))}"
    answer = client.get(where, params=good | odd)
    assert answer.status_code in {200, 404, 422}, (where, good, odd, answer.text)
    if answer.status_code != 200:
        assert answer.json()["detail"]
    elif "json" in answer.headers["content-type"]:
        assert isinstance(answer.json(), dict)
