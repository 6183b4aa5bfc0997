"""Every kind of channel: what is sent to it, and what its answers say. A new kind is a row here.

What a kind needs of its settings stands beside its name in `pw_common.documents.channels`.

Discord: discord.com/developers/docs/resources/webhook, "Execute Webhook". Telegram:
core.telegram.org/bots/api#sendmessage. ntfy and Slack: see `wording`. Webhooks are
signed by standardwebhooks.com.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from pw_common.documents.channels import CHAT, Channel, Kind
from pw_common.wire.alerts import Alert, plain_alert
from pw_notifier.core.wording.links import Link, is_public, links_of
from pw_notifier.core.wording.ntfy import CONDEMNS as NTFY_CONDEMNS
from pw_notifier.core.wording.ntfy import address_of, ntfy_of
from pw_notifier.core.wording.render import (
    Request,
    digest_of,
    discord_of,
    message_id,
    signature,
    telegram_of,
)
from pw_notifier.core.wording.slack import CONDEMNS as SLACK_CONDEMNS
from pw_notifier.core.wording.slack import slack_of

JSON: Final = {"Content-Type": "application/json"}
# Telegram says 400 for a wrong chat as well. These words are about the text of one message.
TELEGRAM_CONDEMNS: Final = re.compile(
    r"can't parse|can't find end|message(?: is |_)too[ _]long|message text is empty"
    r"|text must be (?:non-empty|encoded)|strings must be encoded|entit(?:y|ies)[_ ]",
    re.IGNORECASE,
)
# Discord's codes for the content of one message: an invalid form, nothing in it, blocked for what
# it says. Of a webhook or a thread that is not one, the form's errors name what the address holds.
DISCORD_CONDEMNS: Final = frozenset({50006, 50035, 200000, 240000})
DISCORD_ADDRESS: Final = frozenset({"webhook_id", "webhook_token", "thread_id"})


class Said(msgspec.Struct):
    """What services say in JSON of a failure; everything else is passed over.

    `words` is an answer that is no JSON, without spaces around it.
    """

    retry_after: Any = None
    parameters: Any = None
    description: Any = None
    message: Any = None
    detail: Any = None
    code: Any = None
    error: Any = None
    errors: Any = None
    words: Any = None


class Sending(NamedTuple):
    """What a request is made of beside the channel and its alerts, which are plain."""

    late: bool
    now_s: int
    telegram_url: str
    links: tuple[Link, ...]


def _nowhere(_said: Said) -> str:
    return ""


def _always(_said: Said) -> bool:
    return True


class Way(NamedTuple):
    """One kind of channel.

    `condemns`: whether a 400 is about this one message, and not about the channel.
    `moved`: the chat to send to from now on, which a 400 may name; else nothing.
    `folds`: whether people read it, so that a burst of alerts is one message (see `pace`).
    """

    request: Callable[[Channel, Sequence[Alert], Sending], Request]
    condemns: Callable[[Said], bool] = _always
    moved: Callable[[Said], str] = _nowhere
    folds: bool = True


def request_of(
    channel: Channel,
    alerts: Sequence[Alert],
    *,
    late: bool,
    now_s: int,
    telegram_url: str,
    page_url: str = "",
) -> Request:
    """What is sent for one alert, or for several as one digest."""
    plain = [plain_alert(one) for one in alerts]
    how = Sending(late, now_s, telegram_url, () if late else links_of(plain, page_url))
    return WAYS[channel.kind].request(channel, plain, how)


def _console(_channel: Channel, alerts: Sequence[Alert], how: Sending) -> Request:
    return Request("", digest_of(alerts, late=how.late, size=lambda _line: 0).encode(), {})


def _webhook(channel: Channel, alerts: Sequence[Alert], how: Sending) -> Request:
    content = msgspec.json.encode({"late": how.late, "alerts": alerts}, order="deterministic")
    signed = signature(channel.secret, message_id(alerts), how.now_s, content)
    return Request(channel.url, content, JSON | signed)


def _discord(channel: Channel, alerts: Sequence[Alert], how: Sending) -> Request:
    body = discord_of(alerts, how.links, late=how.late)
    return Request(channel.url, msgspec.json.encode(body), dict(JSON))


def _telegram(channel: Channel, alerts: Sequence[Alert], how: Sending) -> Request:
    body: dict[str, Any] = {
        "chat_id": channel.chat_id,
        "text": telegram_of(alerts, late=how.late),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    buttons = [{"text": one.label, "url": one.url} for one in how.links if is_public(one.url)]
    if buttons:
        body["reply_markup"] = {"inline_keyboard": [buttons]}
    url = f"{how.telegram_url}/bot{channel.bot_token}/sendMessage"
    return Request(url, msgspec.json.encode(body), dict(JSON))


def _ntfy(channel: Channel, alerts: Sequence[Alert], how: Sending) -> Request:
    url, topic = address_of(channel.url)
    body = msgspec.json.encode(ntfy_of(topic, alerts, how.links, late=how.late))
    token = channel.access_token
    return Request(url, body, JSON | ({"Authorization": f"Bearer {token}"} if token else {}))


def _slack(channel: Channel, alerts: Sequence[Alert], how: Sending) -> Request:
    body = slack_of(alerts, how.links, late=how.late)
    return Request(channel.url, msgspec.json.encode(body), dict(JSON))


def _telegram_condemns(said: Said) -> bool:
    return isinstance(said.description, str) and bool(TELEGRAM_CONDEMNS.search(said.description))


def _discord_condemns(said: Said) -> bool:
    if not isinstance(said.code, int) or said.code not in DISCORD_CONDEMNS:
        return False
    return not (isinstance(said.errors, dict) and DISCORD_ADDRESS & said.errors.keys())


def _ntfy_condemns(said: Said) -> bool:
    return isinstance(said.code, int) and said.code in NTFY_CONDEMNS


def _slack_condemns(said: Said) -> bool:
    return isinstance(said.words, str) and said.words in SLACK_CONDEMNS


def _migrated(said: Said) -> str:
    """The id of the supergroup that a group became, as Telegram gives it; else nothing."""
    if not isinstance(said.parameters, dict):
        return ""
    told = said.parameters.get("migrate_to_chat_id")
    if isinstance(told, bool) or not isinstance(told, int | str):
        return ""
    text = str(told) if isinstance(told, str) or abs(told) < 10**20 else ""
    return text if CHAT.fullmatch(text) else ""


WAYS: Final[Mapping[Kind, Way]] = {
    "console": Way(_console, folds=False),
    "webhook": Way(_webhook, folds=False),
    "discord": Way(_discord, condemns=_discord_condemns),
    "telegram": Way(_telegram, condemns=_telegram_condemns, moved=_migrated),
    "ntfy": Way(_ntfy, condemns=_ntfy_condemns),
    "slack": Way(_slack, condemns=_slack_condemns),
}
