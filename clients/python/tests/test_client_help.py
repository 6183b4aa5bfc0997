"""What `help()` shows: words for everything public, and nothing of the environment."""

from __future__ import annotations

import inspect
import pydoc

import msgspec
import pytest

import pocketwatcher

PUBLIC = [getattr(pocketwatcher, name) for name in pocketwatcher.__all__]
CLASSES = {one.__name__: one for one in PUBLIC if inspect.isclass(one)}


def test_everything_public_is_described_in_its_own_words() -> None:
    assert len(CLASSES) > 30
    for name, kind in CLASSES.items():
        assert kind.__doc__, name
        assert "alias for field" not in kind.__doc__, name
        for member, one in inspect.getmembers(kind):
            is_ours = str(getattr(one, "__module__", "")).startswith("pocketwatcher")
            if not member.startswith("_") and (is_ours or isinstance(one, property)):
                assert inspect.getdoc(one), f"{name}.{member}"


@pytest.mark.parametrize(
    "kind", [one for one in CLASSES.values() if issubclass(one, msgspec.Struct)]
)
def test_each_unit_of_an_answer_is_named_where_it_is_described(kind: type[msgspec.Struct]) -> None:
    """By the field itself, or for a kind of the package that only adds to another, by that one."""
    words = " ".join(inspect.getdoc(one) or "" for one in kind.__mro__ if one is not object)
    for field in kind.__struct_fields__:
        if field.endswith(("_ms", "_s", "_raw", "_sol", "_bytes")):
            assert f"`{field}`" in words, field


def test_help_shows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "that-nobody-may-see")
    shown = pydoc.render_doc(pocketwatcher) + "".join(map(pydoc.render_doc, CLASSES.values()))
    assert "that-nobody-may-see" not in shown
