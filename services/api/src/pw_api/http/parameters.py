"""Parameters that several operations take, and the refusal of those that none takes."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Final

from fastapi import Path, Query, Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError

LIMIT_MAX: Final = 1_000
ADDRESS: Final = r"^[1-9A-HJ-NP-Za-km-z]{32,44}$"
SHOWN: Final = 40
# So that a long query is not answered with a longer list.
WRONG_MAX: Final = 20

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many, newest first")]
BeforeSeq = Annotated[
    int | None, Query(ge=1, le=2**53, description="Only those stored before this sequence")
]
Address = Annotated[
    str | None, Query(pattern=ADDRESS, description="A base58 address of 32 to 44 signs")
]
Signature = Annotated[
    str,
    Path(pattern=r"^[1-9A-HJ-NP-Za-km-z]{64,88}$", description="The transaction's first signature"),
]
Mint = Annotated[str, Path(pattern=ADDRESS, description="The token's mint")]


async def known_parameters(request: Request) -> None:
    """Refuse a parameter that the operation does not take, or that comes twice.

    A misspelt filter would otherwise filter nothing, and nobody would know.
    """
    fields = get_flat_params(request.scope["route"].dependant)
    taken = {field.alias for field in fields if isinstance(field.field_info, params.Query)}
    allowed = ", ".join(sorted(taken)) or "none"
    given = Counter(name for name, _ in request.query_params.multi_items())
    wrong = [
        (name, f"unknown; allowed: {allowed}" if name not in taken else "given twice")
        for name, times in given.items()
        if name not in taken or times > 1
    ][:WRONG_MAX]
    if wrong:
        raise RequestValidationError(
            [{"loc": ("query", name[:SHOWN]), "msg": why, "type": "extra"} for name, why in wrong]
        )
