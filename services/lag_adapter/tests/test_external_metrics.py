"""Selectors and certificates, by their rules alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_lag_adapter.core.external_metrics import BadSelector, Durable, durable_of, may_ask

NAMES = frozenset({"front-proxy-client"})


@pytest.mark.parametrize(
    "text", ["stream=A,consumer=b", "consumer==b,stream=A", "stream=A, consumer=b"]
)
def test_a_selector_names_one_consumer(text: str) -> None:
    assert durable_of(text) == Durable("A", "b")


@given(st.text(max_size=80))
def test_anything_else_is_refused_in_words(text: str) -> None:
    try:
        found = durable_of(text)
    except BadSelector as error:
        assert "allowed" in str(error)
    else:
        # Neither another subject nor a wildcard can be smuggled in.
        assert not set(".*> ") & set(found.consumer + found.stream)


def test_only_a_verified_certificate_with_an_allowed_name_may_ask() -> None:
    subject = ((("commonName", "front-proxy-client"),),)
    assert may_ask({"subject": subject}, NAMES)
    assert not may_ask({"subject": ((("commonName", "x"),),)}, NAMES)
    assert not may_ask({}, NAMES)
    assert not may_ask(None, NAMES)
