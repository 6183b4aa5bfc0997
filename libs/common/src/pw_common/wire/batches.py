"""A PW_SWAP message as the batch that it holds."""

from __future__ import annotations

from collections.abc import Mapping

from pw_common.wire.envelope import CONTENT_ENCODING, ZSTD, decompress
from pw_common.wire.limits import BATCH_BYTES_MAX
from pw_common.wire.messages import Batch, decode_batch


def batch_of(headers: Mapping[str, str], body: bytes) -> Batch:
    """Decompress and decode.

    Raises:
        BadEnvelope: not zstd, or over its bound.
        WrongSchema: not a `batch.v1`.
    """
    if headers.get(CONTENT_ENCODING) == ZSTD:
        body = decompress(body, BATCH_BYTES_MAX)
    return decode_batch(body)
