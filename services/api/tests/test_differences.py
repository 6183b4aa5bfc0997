"""What a revision changed is said by name, and not at all where it is not known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_api.core.differences import Entries, difference

IDENTITY = ("address", "of")
ENTRIES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), max_size=6).map(
    lambda found: [{"address": name, "label": label} for name, label in found.items()]
)


@given(ENTRIES, ENTRIES)
def test_each_name_is_added_removed_changed_or_as_it_was(before: Entries, after: Entries) -> None:
    found = difference(before, after, IDENTITY)
    assert found is not None
    old, new = ({one["address"]: one["label"] for one in each} for each in (before, after))
    for name in "abcdef":
        was, is_now = old.get(name), new.get(name)
        kind = "added" if was is None else "removed" if is_now is None else "changed"
        assert [each for each in found if name in found[each]] == ([kind] if was != is_now else [])


def test_what_changed_is_not_known_where_one_side_is_not() -> None:
    entry = [{"address": "a", "of": "token"}]
    assert difference(None, entry, IDENTITY) is None
    assert difference(entry, None, IDENTITY) is None
    assert difference([], entry, IDENTITY) == {"added": ["a token"], "removed": [], "changed": []}
