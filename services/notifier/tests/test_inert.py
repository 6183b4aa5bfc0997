"""Whatever stands in an alert, each channel gets text: no markup, mention, link or control."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.channels import Channel
from pw_common.wire.alerts import Alert, Buyer, Condition, NearRule, plain_alert
from pw_notifier.core.kinds import request_of
from pw_notifier.core.wording.render import TEXT_MAX

MINT = "HaMv3cdfDW6357yjpDur6kb6w52BUPJrMJpR76tjpump"
SHOWN_NEVER = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
MARKUP = "<>&\"'@#/:.[](){}*_~`|\\-+=!0123456789 "
CONTROLS = "\n\r\t\x00\x1b\x7f\x9b\u200b\u200d\u202e\u2066\u2028\ufeff\ue000\U000e0041\u0301\u3164"
WORDS = [
    "@everyone", "@here", "<@1>", "<@&1>", "<#1>", "<:a:1>", "<t:1>", "https://a.co", ":smile:",
    "[X](http://a.co)", "</code>", "</pre>", "<b>", "&lt;", "\n[critical] ", "\n> ", "\n1. ",
    "```", "||", "discord.gg/x", "-# ", "\\",
]  # fmt: skip
ANY_TEXT = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.text(st.sampled_from(MARKUP + CONTROLS), max_size=6),
        # What is stored is UTF-8, so it has no surrogates.
        st.text(st.characters(codec="utf-8"), max_size=6),
    ),
    max_size=40,
).map("".join)


@st.composite
def hostile_alerts(draw: st.DrawFn) -> Alert:
    def text() -> str:
        return draw(ANY_TEXT)

    symbol = draw(st.one_of(st.none(), ANY_TEXT))
    return Alert(
        id="a" * 32, episode="b" * 32, n=0, kind="opened", trigger=text(), severity="critical",
        slot=1, opened_slot=1, event_time_ms=0, mint=draw(st.sampled_from([MINT, "", text()])),
        title=draw(st.one_of(st.just(f"{symbol or MINT[:8]}: whale concentration"), ANY_TEXT)),
        detail=text(), symbol=symbol, name=text(), creator=text(), labels=(text(),),
        conditions=(Condition(text=text(), metric=text(), value=1.5, verdict="holds"),) * 12,
        top_buyers=(
            Buyer(trader=text(), buys=1, volume_sol=1.0, share=0.5, labels=(text(),)),
        ),
        venues=(text(),), near=(NearRule(trigger=text(), fell_short_by=(text(),)),),
        links={"dexscreener": f"https://dexscreener.com/solana/{MINT}", text(): text()},
    )  # fmt: skip


def body_of(kind: Any, alert: Alert, *, late: bool) -> bytes:
    one = Channel(
        name="c",
        kind=kind,
        url="https://h",
        secret="s" * 20,
        bot_token="1:" + "a" * 20,
        chat_id="1",
    )
    alerts = [alert] * (3 if late else 1)
    return request_of(one, alerts, late=late, now_s=0, telegram_url="https://t").body


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in texts(one)]
    return [text for one in value for text in texts(one)] if isinstance(value, list) else []


def assert_plain(text: str, *, lines: bool = False) -> None:
    shown = text.replace("\n", "") if lines else text
    assert not {unicodedata.category(char) for char in shown} & SHOWN_NEVER


@given(hostile_alerts(), st.booleans())
def test_on_the_console_an_alert_is_one_line(alert: Alert, late: bool) -> None:
    lines = body_of("console", alert, late=late).decode().split("\n")
    assert len(lines) == (4 if late else 1)
    assert all(line.startswith("[critical] ") for line in lines[late:])
    for line in lines:
        assert_plain(line)


@given(hostile_alerts(), st.booleans())
def test_a_webhook_gets_clean_text_in_the_same_fields(alert: Alert, late: bool) -> None:
    body = msgspec.json.decode(body_of("webhook", alert, late=late))
    for text in texts(body):
        assert_plain(text)
    assert msgspec.convert(body["alerts"][0], Alert) == plain_alert(alert)
    assert len(body["alerts"][0].get("symbol") or "") <= 32


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.open: list[str] = []
        self.links: list[str] = []
        self.loose = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"b", "code", "pre", "a"}
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        assert not self.open
        self.open.append(tag)
        self.links += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if not self.open:
            self.loose += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


@given(hostile_alerts(), st.booleans())
def test_telegram_gets_the_same_text_and_no_tag_of_others(alert: Alert, late: bool) -> None:
    body = msgspec.json.decode(body_of("telegram", alert, late=late))
    assert body["link_preview_options"] == {"is_disabled": True}
    page = Tags()
    page.feed(body["text"])
    page.close()
    assert page.open == []
    assert_plain(page.text, lines=True)
    plain = plain_alert(alert)
    # In code, Telegram makes no link of an address, an @name or a /command; outside is ours.
    assert page.loose.strip("\n") == ""
    assert all(link.startswith("https://") for link in page.links)
    if late:
        # A name may hold the word, but begins no line.
        heads = [f"[critical] {plain.title}"] * 3
        assert [
            one[: len(heads[0])] for one in page.text.split("\n") if "[critical]" in one[:10]
        ] == heads
    else:
        assert page.text.startswith(f"{plain.title}\n" if plain.title else "\n")
    assert len(page.text.encode("utf-16-le")) // 2 <= 4_096 + len("".join(map(str, page.links)))


def inert(text: str) -> str:
    """A text as Discord shows it; fails where its markup would do something."""
    shown, at = "", 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
            assert at < len(text), "ends in half an escape"
            char = text[at]
        else:
            assert char not in "*_~`|[]<#@", text
            assert not re.match(r":\S", text[at:]), text
        shown += char
        at += 1
    assert not re.search(
        r"@(everyone|here)|<@|https?://\S|^\s*(>|- |\+ |\d+\. )", text, re.MULTILINE
    )
    return shown


@given(hostile_alerts(), st.booleans())
def test_discord_finds_no_markup_no_mention_and_no_link(alert: Alert, late: bool) -> None:
    body = msgspec.json.decode(body_of("discord", alert, late=late))
    assert body["allowed_mentions"] == {"parse": []}
    assert set(body) == {"embeds", "allowed_mentions"}
    (embed,) = body["embeds"]
    whole = [embed["title"], embed["description"]]
    whole += [text for field in embed.get("fields", ()) for text in (field["name"], field["value"])]
    for text in whole:
        assert_plain(inert(text), lines=text is embed["description"])
    assert "\n" not in embed["title"]
    assert embed.get("url", "https://dexscreener.com/").startswith("https://dexscreener.com/")
    assert sum(len(text.encode("utf-16-le")) // 2 for text in whole) <= 6_000
    if not late:
        assert inert(embed["title"]) == plain_alert(alert).title.replace("@", "\uff20")


# What a phone makes a link of, and it alone: of names, of numbers, of a scheme.
LINKED = re.compile(r"\w\.[^\W\d_]|\d\.\d+\.\d|://|@")


@given(hostile_alerts(), st.booleans())
def test_a_phone_finds_no_address_in_what_ntfy_shows(alert: Alert, late: bool) -> None:
    body = msgspec.json.decode(body_of("ntfy", alert, late=late))
    # What is not among these is not sent: no attachment, no mail, no markdown, no other action.
    assert set(body) <= {"topic", "priority", "tags", "title", "message", "click", "actions"}
    for text, lines in ((body["title"], False), (body["message"], True)):
        assert_plain(text, lines=lines)
        assert not LINKED.search(text), text
    assert body["message"]
    links = [body.get("click", ""), *(one["url"] for one in body.get("actions", ()))]
    assert {one for one in links if one} <= {f"https://dexscreener.com/solana/{MINT}"}
    assert len(msgspec.json.encode(body)) <= 8_192


@given(hostile_alerts(), st.booleans())
def test_slack_finds_no_markup_no_mention_and_no_link(alert: Alert, late: bool) -> None:
    body = msgspec.json.decode(body_of("slack", alert, late=late))
    assert set(body) == {"text", "blocks", "unfurl_links", "unfurl_media"}
    title, *rest = [one["text"]["text"] for one in body["blocks"]]
    assert all(one["text"]["verbatim"] for one in body["blocks"])
    assert all(len(text.encode("utf-16-le")) // 2 <= 3_000 for text in (title, *rest))
    for text in (title[1:-1], body["text"]):
        assert_plain(text)
        assert not re.search(r"[<>*_~`@#]|:\S|&(?!(?:amp|lt|gt);)", text), text
    for text in rest:
        if text.startswith("<"):
            assert text == f"<https://dexscreener.com/solana/{MINT}|Chart>"
            continue
        assert text.startswith("```")
        assert text.endswith("```")
        assert_plain(text, lines=True)
        assert not re.search(r"[<>`]|&(?!(?:amp|lt|gt);)", text[3:-3]), text


@pytest.mark.parametrize("kind", ["telegram", "discord"])
def test_a_long_digest_is_cut_where_no_escape_is(kind: str) -> None:
    for more in range(8):
        one = Alert(
            id="a" * 32, episode="e", n=0, kind="opened", trigger="t", severity="info", slot=1,
            opened_slot=1, event_time_ms=0, title="x" * more, detail="<_&\U0001f415" * 200,
        )  # fmt: skip
        body = msgspec.json.decode(body_of(kind, one, late=True))
        if kind == "telegram":
            page = Tags()
            page.feed(body["text"])
            page.close()
            assert "&" not in page.text.replace("_&", "")
            assert page.text.endswith(("<", "_", "&", "\U0001f415", "\u2026"))
            assert len(page.text.encode("utf-16-le")) // 2 <= 4_096
        else:
            inert(body["embeds"][0]["description"])
            assert len(body["embeds"][0]["description"]) <= TEXT_MAX


@pytest.mark.parametrize("start", ["> ", "- ", "+ ", "* ", "1. ", "12) ", "# ", "-# ", ">>> "])
def test_no_line_begins_a_quote_a_list_or_a_heading_on_discord(start: str) -> None:
    one = Alert(
        id="a" * 32, episode="e", n=0, kind="opened", trigger="t", severity="info", slot=1,
        opened_slot=1, event_time_ms=0, title=start, detail=f"{start}x",
    )  # fmt: skip
    (embed,) = msgspec.json.decode(body_of("discord", one, late=False))["embeds"]
    assert embed["description"].startswith("\\") or "\\" in embed["description"][:3]
    assert inert(embed["description"]) == f"{start}x"
    assert inert(embed["title"]) == start


def test_a_symbol_of_an_alert_that_was_stored_whole_is_cut_in_its_title() -> None:
    alert = Alert(
        id="a" * 32, episode="e", n=0, kind="opened", trigger="t", severity="info", slot=1,
        opened_slot=1, event_time_ms=0, symbol="x" * 300, title=f"{'x' * 300}: whale",
    )  # fmt: skip
    assert plain_alert(alert).title == "x" * 31 + "\u2026: whale"
