"""JSON is cut into its parts without changing a character."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.verbatim import items, members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(codec=None)), VALUES), st.sampled_from([None, 2]), st.booleans())
def test_every_member_is_exactly_what_was_sent(value: dict[str, object], indent: int | None, escaped: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    parts = members(text)
    assert list(parts) == list(value)
    assert all(part in text for part in parts.values())
    assert [repr(json.loads(part)) for part in parts.values()] == [repr(json.loads(text)[key]) for key in value]


@given(st.lists(VALUES))
def test_every_item_is_exactly_what_was_sent(value: list[object]) -> None:
    text = json.dumps(value, separators=(" , ", ": "))
    parts = items(text)
    assert [repr(json.loads(part)) for part in parts] == [repr(item) for item in json.loads(text)]
    assert all(part in text for part in parts)


@pytest.mark.parametrize("text", ["", "{", "[", "[1", "[1 2]", "[1,]", "[] x", "1", "null"])
def test_what_is_no_list_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        items(text)


@pytest.mark.parametrize("text", ["", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,}', "{1:2}", '{"a":1} x', "[]"])
def test_what_is_no_object_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        members(text)
