"""Every bound that more than one part must agree on, each with its reason."""

from __future__ import annotations

# 32 updates a message is where broker and client cost per transaction flatten
# out; more only adds latency and copy cost.
TX_UPDATES_MAX = 32
# Raw bytes of one PW_TX body; NATS' default max_payload is 1 MiB.
TX_RAW_BYTES_MAX = 512 * 1024
# One update as a source may send it, also after decompression. Transactions stay far below; a
# server's own limit for large updates is 64 MiB, which we refuse to hold for one update.
UPDATE_BYTES_MAX = 8 * 1024 * 1024
# No chain gets here: 8,000 years of slots at 250 ms. What is beyond it is a lie, whatever the clock
# says, and would not fit the integers of some readers.
SLOT_MAX = 10**12
# A block has some thousand transactions, and who stores them keeps their places in 32 bits.
TX_INDEX_MAX = 2**32 - 1
# Block times outside 1970 to 2200 are not believed.
BLOCK_TIME_S_MAX = 7_258_118_400
# What a compressed body may grow to: a batch at its bound plus one update
# that alone exceeds it. Anything more is a decompression bomb.
DECOMPRESSED_BYTES_MAX = TX_RAW_BYTES_MAX + UPDATE_BYTES_MAX
# A batch.v1 body: 32 transactions of at most a few swaps each are ~100 kB.
BATCH_BYTES_MAX = 8 * 1024 * 1024
# A partly filled batch is cut after this long, so quiet periods stay prompt.
LINGER_MS = 25
# How many PW_TX messages a parser takes at once, and the largest fleet of
# parsers (the HPA's maxReplicas): both decide max_ack_pending.
PARSER_FETCH = 16
PARSER_REPLICAS_MAX = 16
# Messages waiting or in hand for each parser: what one works off in about two seconds.
PARSER_LAG_TARGET = 300
# How many run where an autoscaler gets no figure for long: enough for mainnet's exchange programs.
PARSER_REPLICAS_FALLBACK = 4
# A service that is behind by more than this says that it is not up to date, and the status is
# not `running`.
BEHIND_PENDING_MAX = 1_000
BEHIND_MS_MAX = 5_000
# Redelivery after this long without a sign of life: a killed parser costs seconds.
PARSER_ACK_WAIT_S = 8.0
# A parser stops after this many messages in a row that held nothing readable:
# then our code or the source is broken, and the backlog must stay.
POISON_RUN_MAX = 64
# Messages that a publisher has sent and not yet seen stored: as many may be overtaken.
PUBLISHED_AHEAD_MAX = 64
# Broker messages are refused above this by the server's default.
BROKER_PAYLOAD_BYTES_MAX = 1024 * 1024
# SOL transfers below this are not funding: fees, tips and dust would drown the edges.
FUNDING_LAMPORTS_MIN = 50_000_000
# Unparsed instructions and events that one batch describes; all are counted.
UNPARSED_PER_BATCH_MAX = 16
# Rules take no notice of a swap below this; a trade mirrored in one pool is never below it
# for its venue being unlisted.
CONFIDENCE_MIN = 0.7
# From this share of its memory limit on a service is reported.
MEMORY_FULL_SHARE = 0.8
# Dead letters that one request asks the notifier to send again: they go out as one digest, which
# names each, and fit into one message of the broker.
RESENT_ALERTS_MAX = 32
RESENT_BYTES_MAX = 512 * 1024
