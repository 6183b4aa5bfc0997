"""A node as an archive: beside its blocks, single transactions by their signatures."""

from __future__ import annotations

import msgspec

from pw_rpc.core.single import Single
from pw_rpc.node import (
    VERSION_OPTION,
    VERSIONS_ASKED,
    BadAnswer,
    NotHad,
    Rpc,
    _RefusedOptions,
    visible,
)


class History(Rpc):
    """A node that is asked for what was."""

    async def transaction(self, signature: str) -> Single:
        """One transaction, and what it did. Raises NotHad, BadAnswer, NodeFailed."""
        refused: _RefusedOptions | None = None
        for at in range(self._version_at, len(VERSIONS_ASKED)):
            options = {
                "encoding": "base64",
                "commitment": "confirmed",
                VERSION_OPTION: VERSIONS_ASKED[at],
            }
            try:
                raw = await self._call("getTransaction", signature, [signature, options])
            except _RefusedOptions as error:
                refused = refused or error
                continue
            self._version_at = at
            try:
                return msgspec.json.decode(raw, type=Single)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                raise BadAnswer(visible(str(error))) from error
        raise NotHad(str(refused))
