"""What a channel keeps when it is changed, and what no name or address of one may hold."""

from __future__ import annotations

from typing import Any

import pytest

from pw_common.documents.channels import KEPT, Channel, Channels, problems, with_kept_secrets
from pw_common.service import settings as st
from pw_common.topology.subjects import alert, dead_letter, notifier_consumer

KEY, NEW = "whsec_" + "QUFB" * 8, "whsec_" + "QkJC" * 8
HOOK = Channel(name="hook", kind="webhook", url="https://a/x", secret=KEY)
BOT = Channel(name="bot", kind="telegram", bot_token="1:" + "a" * 20, chat_id="7")

PHONE = Channel(name="phone", kind="ntfy", url="https://a/calls", access_token="tk_a")


def changed(was: Channel, **more: Any) -> tuple[Channel, list[str]]:
    fields = {"name": was.name, "kind": was.kind, "chat_id": was.chat_id} | more
    new = Channels(entries=(Channel(**fields),))
    whole = with_kept_secrets(new, Channels(entries=(was,)))
    return whole.entries[0], problems(whole)


def test_what_is_kept_is_what_the_channel_had() -> None:
    assert changed(HOOK, url=KEPT, secret=KEPT) == (HOOK, [])
    assert changed(HOOK, url="https://a/x", secret=KEPT) == (HOOK, [])
    assert changed(BOT, bot_token=KEPT) == (BOT, [])
    assert changed(BOT, bot_token=KEPT, chat_id="8")[1] == []


def test_a_changed_url_drops_every_kept_secret() -> None:
    one, wrong = changed(HOOK, url="https://b/x", secret=KEPT)
    assert (one.url, one.secret) == ("https://b/x", "")
    assert wrong == [
        "entries[0] (hook): secret: a key to sign with; none is kept where the URL is new"
    ]
    one, _ = changed(BOT, kind="webhook", url="https://b/x", secret=KEPT, bot_token=KEPT)
    assert (one.secret, one.bot_token) == ("", "")
    one, wrong = changed(HOOK, url="https://b/x", secret=NEW)
    assert (one.secret, wrong) == (NEW, [])


def test_a_new_key_goes_before_the_kept_one_and_not_to_another_url() -> None:
    assert changed(HOOK, url=KEPT, secret=f"{NEW} {KEPT}")[0].secret == f"{NEW} {KEY}"
    assert changed(HOOK, url="https://b/x", secret=f"{NEW} {KEPT}")[0].secret == NEW


@pytest.mark.parametrize(
    "more", [{"url": "https://a/x"}, {"url": "https://b/calls"}, {"name": "n"}]
)
def test_an_access_token_that_is_not_kept_is_asked_for_again(more: dict[str, str]) -> None:
    fields = {"url": PHONE.url, "access_token": KEPT} | more
    one, wrong = changed(PHONE, **fields)
    assert one.access_token != PHONE.access_token
    said = "access_token: give it again, or none; none is kept where the URL is new"
    assert wrong == [f"entries[0] ({one.name}): {said}"]
    assert changed(PHONE, **(fields | {"access_token": ""}))[1] == []
    assert changed(PHONE, **(fields | {"access_token": "tk_b"}))[0].access_token == "tk_b"
    assert changed(PHONE, url=KEPT, access_token=KEPT) == (PHONE, [])


def test_another_channels_secret_is_not_kept() -> None:
    one, wrong = changed(HOOK, name="other", url=KEPT, secret=KEPT)
    assert (one.url, one.secret) == ("", "")
    assert len(wrong) == 2


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x00", "\x85", "\u2028", "\t", " "])
@pytest.mark.parametrize(
    ("of", "field"),
    [
        (HOOK, "name"), (HOOK, "url"), (HOOK, "secret"), (BOT, "name"), (BOT, "bot_token"),
        (BOT, "chat_id"),
    ],
)  # fmt: skip
def test_no_name_address_or_secret_ends_in_another_line(of: Channel, field: str, end: str) -> None:
    fields = {name: getattr(of, name) for name in of.__struct_fields__}
    for value in (fields[field] + end, end + fields[field], fields[field][:4] + end + "x"):
        one = Channel(**(fields | {field: value}))
        assert any(f"{field}: " in why for why in problems(Channels(entries=(one,)))), value


def test_a_rule_that_a_channel_names_is_one_line() -> None:
    one = Channel(name="c", kind="console", triggers=("busy\n",))
    assert "triggers" in problems(Channels(entries=(one,)))[0]


@pytest.mark.parametrize("name", ["a\n", "a\r\n", "\na", "a.b", "", "a b", "é"])
def test_no_subject_has_a_line_end_in_it(name: str) -> None:
    for make in (alert, dead_letter, notifier_consumer):
        with pytest.raises(ValueError, match="not a subject token"):
            make(name)


@pytest.mark.parametrize("bad", ["https://a\n", "https://a/\r\nb", "https://a,\nhttps://b", "\n"])
def test_an_address_in_a_setting_is_one_line(bad: str) -> None:
    check = st.url("https")
    assert check("https://a,https://b:1/x?y=z") is None
    assert check(bad) is not None
