"""Entries that have a name, as rules and channels do: remove them, turn them on and off."""

from __future__ import annotations

from typing import Any, NamedTuple

from pw_cli.entries.entries import Asking, Entry, must_be_there


class Named(NamedTuple):
    """Where such entries are: the API's path, the document's field, and the word for one."""

    path: str
    field: str
    word: str

    def removed(self, api: Asking, names: list[str]) -> tuple[dict[str, Any], int]:
        """Remove them; the document before, and its new revision. Raises Refused."""
        before = self._with(api, names)
        revision = int(before["revision"])
        for name in dict.fromkeys(names):
            revision = api.remove(self.path, name)
        return before, revision

    def turned(self, api: Asking, names: list[str], *, on: bool) -> tuple[dict[str, Any], int]:
        """Turn them on or off; the document before, and its new revision. Raises Refused."""
        before = self._with(api, names)
        revision = int(before["revision"])
        for name in dict.fromkeys(names):

            def made(now: dict[str, Any], name: str = name) -> Entry:
                # Of the newest document: somebody else may have changed this entry since.
                there = {one["name"]: one for one in now[self.field]}
                must_be_there([name], list(there), self.word)
                return {**there[name], "enabled": on}

            revision = api.edit(self.path, made)
        return before, revision

    def _with(self, api: Asking, names: list[str]) -> dict[str, Any]:
        now = api.get(self.path)
        must_be_there(names, [one["name"] for one in now[self.field]], self.word)
        return now
