"""A node as an archive: beside its blocks, single transactions by signature and by address."""

from __future__ import annotations

import msgspec

from pw_common.ordering.event_time import sane_block_time_s
from pw_rpc.core.answers import NAMED_MAX, Named
from pw_rpc.core.single import Single
from pw_rpc.node import (
    VERSION_OPTION,
    VERSIONS_ASKED,
    BadAnswer,
    NotHad,
    Rpc,
    _RefusedOptions,
    decode,
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
                "commitment": self._commitment,
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

    async def named(self, address: str, *, before: str = "", min_slot: int = 0) -> list[Named]:
        """Transactions that name an address, the newest first, NAMED_MAX at most.

        Args:
            address: Whose.
            before: A signature to begin after; empty for the newest.
            min_slot: The node must know this slot: a node that is behind is asked again.

        Raises:
            NotHad, BadAnswer, NodeFailed: it does not say.
        """
        options: dict[str, object] = {"commitment": self._commitment, "limit": NAMED_MAX}
        if before:
            options["before"] = before
        if min_slot:
            options["minContextSlot"] = min_slot
        of = f"what names {address}"
        found = await self._call("getSignaturesForAddress", of, [address, options])
        return decode(found, list[Named])

    async def block_time_s(self, slot: int) -> int:
        """When a block was produced, since 1970. Raises NotHad, BadAnswer, NodeFailed."""
        found = decode(await self._call("getBlockTime", f"slot {slot}", [slot]), int)
        time_s = sane_block_time_s(found)
        if time_s is None:
            raise BadAnswer(visible(f"the time {found} of slot {slot} cannot be one"))
        return time_s
