"""Text that a source wrote is read as Python's own parser reads it, or refused where that refuses it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.json_text import read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def _read(parse: Any, text: str) -> object:
    """The value with its types, or that it was refused."""
    try:
        return _typed(parse(text))
    except (ValueError, RecursionError):
        return "refused"


def _typed(value: Any) -> object:
    if isinstance(value, dict):
        return [(name, _typed(member)) for name, member in value.items()]
    if isinstance(value, list):
        return [_typed(member) for member in value]
    return type(value).__name__, repr(value)


def _python(text: str) -> Any:
    return json.JSONDecoder(parse_float=Decimal).decode(text)


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_what_a_source_writes_is_read_as_python_reads_it(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert _read(read_json, text) == _read(_python, text)


@given(st.text(alphabet='{}[]",:\\0123456789.eE+-ntu\ud800\x00\t \ufeffNa'))
def test_what_is_no_json_is_refused_as_python_refuses_it(text: str) -> None:
    assert _read(read_json, text) == _read(_python, text)


@pytest.mark.parametrize(
    "text",
    ['"\\ud800"', "NaN", "-Infinity", '{"a":1,"a":2}', "1" * 400, "-0", "-0.0", "1e400", "1.50", "1E5", "[" * 5000, "",
     '"a\x01b"', '"\\u0000"', "\ufeff1", "01", "1" * 5000, "18446744073709551616", '"\ud800"'],
)  # fmt: skip
def test_texts_that_parsers_disagree_on(text: str) -> None:
    assert _read(read_json, text) == _read(_python, text)
