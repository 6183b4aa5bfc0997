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
PATHS = (
    "swaps", "tokens/{}/swaps", "tokens/{}/candles", "tokens/{}/buyers", "tokens/{}/swaps.csv",
    "tokens/{}/swaps.parquet", "wallets/{}", "wallets/{}/swaps", "wallets/{}/swaps.csv", "search",
    "days", "alerts", "alerts/{}",
)  # fmt: skip
text = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
values = st.one_of(
    text,
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(
        [
            ADDRESS, "0", "1", "9", "253402300799999", "1d", "1m", "opened", "quick", "' OR 1=1 --",
            f"1.2.3.{ADDRESS}", f"{10**38 - 1}.{ADDRESS}", f"{10**15 - 1}.{ADDRESS}.",
            f"{10**15 - 1}.{ADDRESS}.{ADDRESS}", "999999999999999.999999999.999999999.zz", "1.",
            "%00", "\x00", "${mint}", "%", "_", "1e3", "+1", "1 ", "٣",
        ]
    ),
)  # fmt: skip
names = st.sampled_from(
    ["first_ms", "end_ms", "step", "quote", "mint", "wallet", "limit", "before", "after", "q",
     "skip", "before_ms", "before_seq", "trigger", "kind", "id"]
)  # fmt: skip


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


@settings(max_examples=250, deadline=None)
@given(
    path=st.sampled_from(PATHS),
    of=st.just(ADDRESS) | values.filter(bool),
    query=st.dictionaries(names, values, max_size=4),
)
def test_whatever_is_asked_is_answered_or_refused_in_words(
    client: httpx.Client, path: str, of: str, query: dict[str, str]
) -> None:
    answer = client.get(f"/api/v1/{path.format(quote(of, safe=''))}", params=query)
    assert answer.status_code in {200, 404, 422}, (path, of, query, answer.text)
    if answer.status_code != 200:
        assert answer.json()["detail"]
    elif "json" in answer.headers["content-type"]:
        assert isinstance(answer.json(), dict)
