"""No answer can do more than be wrong: nothing that a receiver writes ends a channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_notifier.core.policy import Refused, Retry, Sent, meaning
from pw_notifier.shell import BadChannels, read_file


@pytest.mark.parametrize(
    "body",
    [
        "[" * 60_000,
        '{"a":' * 12_000,
        '{"retry_after":' + "9" * 60_000 + "}",
        '{"retry_after": 1e999}',
        '{"retry_after": -1}',
        '{"retry_after": true}',
        '{"retry_after": "²"}',
        '{"parameters": [1]}',
        '{"parameters": {"retry_after": {}}}',
        '{"retry_after": "\\ud800"}',
        "\ud800",
        "",
    ],
)
def test_a_wait_that_cannot_be_read_is_ours_to_choose(body: str) -> None:
    answer = meaning(429, {}, body)
    assert isinstance(answer, Retry)
    assert answer.after_s is None or 0 <= answer.after_s <= 3_600


@pytest.mark.parametrize("told", ["²", "9" * 400, "1e5", "nan", "-1", " 5", "1.2.3", "٣"])
def test_a_header_that_is_no_number_is_passed_over(told: str) -> None:
    assert meaning(429, {"retry-after": told}, "") == Retry("asked to wait (429)", None)


@given(st.integers(100, 599), st.text(), st.text())
def test_every_answer_has_a_meaning_of_one_short_line(status: int, told: str, body: str) -> None:
    answer = meaning(status, {"retry-after": told}, body)
    why = "" if isinstance(answer, Sent) else answer.why
    assert len(why) <= 250
    assert len(why.splitlines()) <= 1
    assert "\x1b" not in why


def test_a_refusal_quotes_the_receiver_in_plain_text() -> None:
    answer = meaning(400, {}, "bad\n[critical] forged\x1b[2J" + "x" * 1_000)
    assert isinstance(answer, Refused)
    assert answer.why.startswith("answered 400: bad\ufffd[critical] forged\ufffd[2Jxxx")
    assert len(answer.why) < 250


def test_a_file_of_channels_that_is_no_yaml_is_not_quoted() -> None:
    with pytest.raises(BadChannels) as error:
        read_file("entries:\n- {name: a, url: 'https://hooks/hunter2\n")
    assert "hunter2" not in str(error.value)
    assert "not YAML at line" in str(error.value)
    assert error.value.__cause__ is None
