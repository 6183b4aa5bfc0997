"""What the configuration's operations take and give, for OpenAPI.

Bodies are read by `pw_common.documents` and `pw_detection.rules`, which bound them and name each
error; these types only say what they look like.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from pw_common.documents.channels import Channel
from pw_common.documents.programs import Acknowledged, ProgramEntry
from pw_common.wire.alerts import Alert
from pw_common.wire.heartbeat import LayoutDrift
from pw_detection.rules.lists import Mute, Watched
from pw_detection.rules.rules import Rule


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change names the revision that it changes, here or in `If-Match`; 0 before the first."""

    revision: int | msgspec.UnsetType = msgspec.UNSET
    who: str = ""
    note: str = ""


class ResetChange(_Change, frozen=True, kw_only=True):
    """Back to what is shipped."""


class RulesChange(_Change, frozen=True, kw_only=True):
    """All rules."""

    rules: list[Rule]


class WatchlistsChange(_Change, frozen=True, kw_only=True):
    """All watched addresses."""

    entries: list[Watched]


class MutesChange(_Change, frozen=True, kw_only=True):
    """All mutes that the user set."""

    entries: list[Mute]


class ChannelsChange(_Change, frozen=True, kw_only=True):
    """All channels; `(kept)` as a secret keeps the stored one."""

    entries: list[Channel]


class ProgramsChange(_Change, frozen=True, kw_only=True):
    """All programs that users added."""

    entries: list[ProgramEntry]


class AcknowledgedChange(_Change, frozen=True, kw_only=True):
    """All that was acknowledged of the venues' layouts."""

    entries: list[Acknowledged]


class RuleAdded(_Change, frozen=True, kw_only=True):
    """One more rule; `replace` replaces the rule of the same name."""

    entry: Rule
    replace: bool = False


class WatchedAdded(_Change, frozen=True, kw_only=True):
    """One more watched address; `replace` replaces its earlier entry."""

    entry: Watched
    replace: bool = False


class MuteAdded(_Change, frozen=True, kw_only=True):
    """One more mute; `replace` replaces its earlier entry."""

    entry: Mute
    replace: bool = False


class ChannelAdded(_Change, frozen=True, kw_only=True):
    """One more channel; `replace` replaces the channel of the same name."""

    entry: Channel
    replace: bool = False


class Removal(_Change, frozen=True, kw_only=True):
    """Which revision an entry is taken from; `of` where an address is more than one thing."""

    of: str | msgspec.UnsetType = msgspec.UNSET


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What was stored: its revision, which the next change names."""

    revision: int


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    """The document in force. `unusable` says why its newest revision is not what is shown."""

    revision: int
    unusable: str | msgspec.UnsetType = msgspec.UNSET


class WatchlistsAnswer(_Document, frozen=True, kw_only=True):
    """All watched addresses."""

    entries: list[Watched]


class MutesAnswer(_Document, frozen=True, kw_only=True):
    """The user's mutes, and the shipped ones that lie below them."""

    entries: list[Mute]
    shipped: list[Mute]


class ChannelsAnswer(_Document, frozen=True, kw_only=True):
    """Channels without their secrets. `from` is `stored`, the notifier's `file` or its `output`."""

    entries: list[Channel]
    origin: Literal["stored", "file", "output"] = msgspec.field(name="from")


class ProgramsAnswer(_Document, frozen=True, kw_only=True):
    """Users' programs. `in_force` is by source the table's stamp; empty: the shipped one."""

    entries: list[ProgramEntry]
    in_force: dict[str, str]


class AcknowledgedAnswer(_Document, frozen=True, kw_only=True):
    """What was acknowledged, and what is new in the venues' layouts."""

    entries: list[Acknowledged]
    new: list[LayoutDrift]


class CsvAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a CSV as entries; nothing is stored."""

    entries: list[Watched]


class RulesVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether rules could be used: the rules as they were read, or everything that is wrong."""

    valid: bool
    rules: list[Rule] | msgspec.UnsetType = msgspec.UNSET
    errors: list[str] | msgspec.UnsetType = msgspec.UNSET


class ProgramsVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether programs could be used: as they were read, or everything that is wrong."""

    valid: bool
    entries: list[ProgramEntry] | msgspec.UnsetType = msgspec.UNSET
    errors: list[str] | msgspec.UnsetType = msgspec.UNSET


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a revision changed against the one before, by name or id."""

    added: list[str]
    removed: list[str]
    changed: list[str]


class _Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A kept revision. `unusable` says why it cannot be used; then the rest of it is empty.

    `diff` is null where it is not known: the revision before is no longer kept, or one of the two
    cannot be used.
    """

    revision: int
    diff: Difference | None
    who: str | msgspec.UnsetType = msgspec.UNSET
    note: str | msgspec.UnsetType = msgspec.UNSET
    at_ms: int | msgspec.UnsetType = msgspec.UNSET
    unusable: str | msgspec.UnsetType = msgspec.UNSET


class RulesRevision(_Revision, frozen=True, kw_only=True):
    """The rules as they were."""

    rules: list[Rule]


class ProgramsRevision(_Revision, frozen=True, kw_only=True):
    """The programs as they were."""

    entries: list[ProgramEntry]


class RulesHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. Ask again with `before_revision=next_before_revision` for older ones."""

    history: list[RulesRevision]
    next_before_revision: int | None


class ProgramsHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. Ask again with `before_revision=next_before_revision` for older ones."""

    history: list[ProgramsRevision]
    next_before_revision: int | None


class DocumentChange(_Revision, frozen=True, kw_only=True):
    """One change of a document, which `of` names. `diff` has the names of its entries."""

    of: Literal["acknowledged", "channels", "mutes", "programs", "triggers", "watchlists"]


class DocumentChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of all documents, newest first: of each, as many as the broker keeps."""

    changes: list[DocumentChange]


class ChannelTried(msgspec.Struct, frozen=True, kw_only=True):
    """A test message was taken by its receiver; otherwise the answer is a 502 that says why."""

    sent: bool


class DryRunAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How far a dry run is, the period that it covers, and what rules would have fired in it.

    `share` is 0..1. `opened` counts episodes, `opened_by_rule` those of each rule.
    """

    id: str
    state: Literal["running", "done", "failed", "cancelled"]
    why: str
    read: int
    total: int
    share: float
    from_ms: int | None
    to_ms: int | None
    covers: str
    messages: int
    swaps: int
    unreadable: int
    opened: int
    opened_by_rule: dict[str, int]
    alerts: list[Alert]
