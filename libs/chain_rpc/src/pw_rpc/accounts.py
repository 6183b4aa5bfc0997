"""A node that is asked for a mint's accounts: one question, one try, a small answer."""

from __future__ import annotations

from typing import Final

import httpx

from pw_rpc.core.mint_facts import ACCOUNT_BYTES_MAX, Accounts, accounts_of
from pw_rpc.node import Asks, Rpc, decode
from pw_rpc.pace import Pace

# For the question and its whole answer; who looks at a page does not wait longer.
DEADLINE_S: Final = 5.0


class AccountsNode(Rpc):
    """A node that is not waited for: what fails is tried again when somebody asks again."""

    def __init__(
        self, url: str, client: httpx.AsyncClient, pace: Pace, *, deadline_s: float = DEADLINE_S
    ) -> None:
        asks = Asks("confirmed")
        super().__init__(url, client, patience_s=0.0, deadline_s=deadline_s, asks=asks, pace=pace)

    async def accounts(self, mint: str) -> Accounts:
        """The accounts of a mint, in the order of `accounts_of`.

        Raises:
            ValueError: that is no address.
            NotHad, BadAnswer, NodeFailed: the node does not say.
        """
        options = {
            "encoding": "base64",
            "commitment": self._commitment,
            "dataSlice": {"offset": 0, "length": ACCOUNT_BYTES_MAX},
        }
        found = await self._call("getMultipleAccounts", mint, [accounts_of(mint), options])
        return decode(found, Accounts)

    async def close(self) -> None:
        """Close the client that it was given."""
        await self._client.aclose()
