"""Subjects, streams, consumers and buckets by name; nothing else formats one.

Lower case, broad to narrow, version inside; a token is never a wallet or mint,
since subject cardinality costs the broker memory.
"""

from __future__ import annotations

import re
import zlib

STREAM_TX = "PW_TX"
STREAM_SWAP = "PW_SWAP"
STREAM_ALERT = "PW_ALERT"
STREAM_GAP = "PW_GAP"
STREAM_DLQ = "PW_DLQ"

CONSUMER_PARSER = "parser"
# Acknowledged on receipt, for lag figures alone: the detector reads by position.
CONSUMER_DETECTOR = "detector"

BUCKET_SOURCE = "pw_source"
BUCKET_INSTANCES = "pw_instances"
BUCKET_CONFIG = "pw_config"
BUCKET_DETECTOR = "pw_detector"
BUCKET_HOT = "pw_hot"
BUCKET_TOKENS = "pw_tokens"
BUCKET_OUTBOX = "pw_outbox"
BUCKET_PROGRAMS = "pw_programs"
BUCKET_FACTS = "pw_facts"

TX_ALL = "pw.tx.>"
SWAP_ALL = "pw.swap.v1.>"
ALERT_ALL = "pw.alert.v1.>"
GAP_ALL = "pw.gap.v1.>"
GAP_OPEN = "pw.gap.v1.*"
DLQ_ALL = "pw.dlq.v1.>"

SWAP_BATCH = "pw.swap.v1.batch"
# Dead letters sent back for another try by `pw dlq replay`.
TX_REPLAY = "pw.tx.replay"
# What `pw backfill` found for a recorded gap.
TX_BACKFILL = "pw.tx.backfill"

# Any token's metrics, asked of the active detector by request and answered in JSON.
ASK_DETECTOR = "pw.detector.v1.token"
# A test message through one channel, asked of the notifier by request.
ASK_NOTIFIER = "pw.notifier.v1.test"

# What is stored of the past, asked of history by request and answered in parts.
ASK_HISTORY = "pw.history.v1.ask"
# A consistent copy of what is stored, asked of history by request.
BACKUP_HISTORY = "pw.history.v1.backup"

# Alerts to be sent once more through the channel that a header names, asked by request.
RESEND_NOTIFIER = "pw.notifier.v1.resend"

# Keys of the configuration bucket.
KEY_TRIGGERS = "triggers"
KEY_WATCHLISTS = "watchlists"
KEY_MUTES = "mutes"
KEY_CHANNELS = "channels"
# What the notifier has from a file; it holds while no channels are stored.
KEY_CHANNELS_FILE = "channels_file"
KEY_PROGRAMS = "programs"
KEY_ACKNOWLEDGED = "acknowledged"

# In the bucket of tokens, beside them: programs that trade and are in no table.
KEY_UNLISTED = "unlisted"

# In the bucket of the detector: how far it has folded.
KEY_POSITION = "position"

# How many keys the bucket of facts has at most; each holds the facts of one mint.
FACTS_KEYS = 16_384

TOKEN = re.compile(r"[a-z0-9_-]{1,32}")


def tx(source: str) -> str:
    """Where ingest publishes raw updates of one source."""
    return f"pw.tx.{_token(source)}"


def gap(source: str) -> str:
    """Where ingest records missing slots of one source."""
    return f"pw.gap.v1.{_token(source)}"


def gap_filled(source: str) -> str:
    """Where a gap is recorded once it was filled; it replaces the open record."""
    return f"pw.gap.v1.{_token(source)}.filled"


def dead_letter(service: str) -> str:
    """Where a service puts what it cannot read."""
    return f"pw.dlq.v1.{_token(service)}"


def alert(alert_id: str) -> str:
    """Where one alert is stored: a subject of its own, so that a second writer is refused."""
    return f"pw.alert.v1.{_token(alert_id)}"


def facts_key(mint: str) -> str:
    """Where a mint's facts are kept. Another mint may have the same key: the later one stays."""
    return f"{zlib.crc32(mint.encode()) % FACTS_KEYS:04x}"


# In the metadata of the durable of a channel that is turned off: what waits there is meant to.
CHANNEL_OFF = "pw-channel-off"
# And until when, in ms since 1970, what was handed out may wait for the end of quiet hours.
CHANNEL_QUIET = "pw-channel-quiet-until-ms"
# And its quiet hours; and when, in ms since 1970, an edit last put others in their place.
CHANNEL_HOURS = "pw-channel-quiet-hours"
CHANNEL_FREED = "pw-channel-freed-ms"


def notifier_consumer(channel: str) -> str:
    """The durable of one notification channel on PW_ALERT."""
    return f"notifier-{_token(channel)}"


def _token(value: str) -> str:
    if not TOKEN.fullmatch(value):
        raise ValueError(f"{value!r} is not a subject token: {TOKEN.pattern}")
    return value
