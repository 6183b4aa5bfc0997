"""The token of a run: given, made at its first start, or none because somebody said so."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pw_cli.up.options.arguments import UpOptions
from pw_cli.up.options.folder import written
from pw_common.process.clock import now_ms
from pw_common.process.token_file import BadToken, make_token, new_nonce, read_token
from pw_common.wire.login import login_url

TOKEN_FILE: Final = "api-token"  # noqa: S105 - a file's name
RISK: Final = (
    "--no-token: every program and every user of this machine can read everything that is shown, "
    "and can replace rules, lists and channels. Pages of other sites are refused all the same."
)


@dataclass(frozen=True)
class Access:
    """A token and where it lies; both None without one."""

    token_file: Path | None = None
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What goes along with a request to the run's own API."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def link(self, api: str) -> str:
        """Where a browser begins."""
        if self.token is None:
            return f"{api}/"
        return login_url(api, self.token, new_nonce(), now_ms())


def access_of(chosen: UpOptions, folder: Path) -> Access:
    """The token that the options mean; made in the data folder where none is given.

    Raises:
        BadToken: it cannot be read, or others can read it.
        FolderTaken: it cannot be made in the data folder.
    """
    if chosen.no_token:
        return Access()
    path = chosen.api_token_file
    if path is None:
        path = folder / TOKEN_FILE
        with written(chosen.data, folder):
            _make(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BadToken(f"{path} can be read by others: chmod 600 {path}")
    return Access(path, read_token(path))


def _make(path: Path) -> None:
    try:
        make_token(path)
    except BadToken as error:
        if isinstance(error.__cause__, OSError):
            # The place of this file is the data folder's trouble, not the token's.
            raise error.__cause__ from None
        raise
