"""What a provider's plan forbids in a subscription, refused in the words of public servers."""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_geyser import geyser_pb2

ANY: Final = "any"
TOKEN_PROGRAM: Final = "token-program"  # noqa: S105
RULES: Final = f"{ANY}, {TOKEN_PROGRAM}, accounts-N, joined by +"

# As a server of rpcpool/yellowstone-grpc answers; clients tell by these words what to do.
CREATE: Final = "failed to create filter: "
NOT_ANY: Final = (
    CREATE + "Subscribe on full stream with `any` is not allowed, at least one filter required"
)
TOO_MANY: Final = CREATE + "Max amount of Pubkeys reached, only {max} allowed"
REJECTED: Final = CREATE + "Pubkey {key} in filters is not allowed"
TOKEN_PROGRAMS: Final = frozenset(
    {
        "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
        "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
    }
)


class FilterLimits(NamedTuple):
    """What a transaction filter may ask for; 0 accounts means that the plan sets no limit."""

    any_allowed: bool = True
    token_programs_allowed: bool = True
    accounts_max: int = 0

    def refusal(self, request: geyser_pb2.SubscribeRequest) -> str:
        """Why a request is refused, in a server's words; empty where it is not."""
        for _, one in sorted(request.transactions.items()):
            keys = [*one.account_include, *one.account_exclude, *one.account_required]
            # `vote` and `failed` narrow nothing for newer servers: they want an account.
            if not self.any_allowed and not keys:
                return NOT_ANY
            if self.accounts_max and len(one.account_include) > self.accounts_max:
                return TOO_MANY.format(max=self.accounts_max)
            rejected = [key for key in keys if key in TOKEN_PROGRAMS]
            if rejected and not self.token_programs_allowed:
                return REJECTED.format(key=rejected[0])
        return ""


NO_LIMITS: Final = FilterLimits()
