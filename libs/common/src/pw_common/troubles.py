"""What a service that works asks a person to see to, as heartbeats carry it."""

from __future__ import annotations

import msgspec


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should see to although the service works.

    `channel` names the channel of alerts that it is about; `failing` says that nothing arrives
    through it.
    """

    what: str
    channel: str = ""
    failing: bool = False
