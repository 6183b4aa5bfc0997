"""What a subscription asks for, applied to a block that comes whole. Pure.

The filter is the same that a Yellowstone source would be sent, so both see the same.
"""

from __future__ import annotations

from collections.abc import Callable

from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.subscription.programs import key_bytes
from pw_rpc.core.blocks import Candidate, Unread


def wanted_by(request: pb.SubscribeRequest) -> Callable[[Candidate], bool]:
    """Whether a transaction passes one of the request's filters."""
    filters = [
        (
            one.vote if one.HasField("vote") else None,
            one.failed if one.HasField("failed") else None,
            frozenset(key_bytes(key) for key in one.account_include),
        )
        for one in request.transactions.values()
    ]

    def passes(candidate: Candidate) -> bool:
        failed = candidate.meta.failed
        for vote, fails, include in filters:
            if vote not in {None, candidate.is_vote} or fails not in {None, failed}:
                continue
            if not include or not include.isdisjoint(candidate.keys()):
                return True
        return False

    return passes


def keeps_unread(request: pb.SubscribeRequest, unread: Unread) -> bool:
    """Whether a transaction that cannot be read might pass: only its outcome is known."""
    filters = request.transactions.values()
    return any(not one.HasField("failed") or one.failed == unread.meta.failed for one in filters)
