import json

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.canonical import MAX_INT, dumps, encode_struct, loads, require_canonical
from ledger.core.errors import NotCanonical

# Every kind of character that some encoder treats in its own way, much more often than chance would bring it.
HOSTILE = "".join(map(chr, range(0x20))) + '"\\/\x7f\x80\u2028\u2029\ud7ff\ue000\ufb33\uffff\U0001f600\U0010ffff'
text = st.text(alphabet=st.sampled_from(HOSTILE) | st.characters(exclude_categories=["Cs"]), max_size=12)
integers = st.integers(-MAX_INT, MAX_INT)
scalars = st.none() | st.booleans() | integers | text
plain = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5), max_leaves=20
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | numbers,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5),
    max_leaves=20,
)


@given(values)
def test_every_value_is_written_as_the_reference_writes_it(value: object) -> None:
    assert dumps(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(plain)
def test_what_is_written_is_read_back_and_is_its_own_canonical_form(value: object) -> None:
    data = dumps(value)
    assert loads(data) == value
    assert require_canonical(data) == value


@given(values)
def test_canonical_form_is_stable_for_every_double(value: object) -> None:
    data = dumps(value)
    assert dumps(require_canonical(data)) == data


@given(values, st.sampled_from([None, 1]), st.booleans())
def test_any_other_spelling_parses_and_is_not_canonical(value: object, indent: int | None, ascii: bool) -> None:
    other = json.dumps(value, indent=indent, ensure_ascii=ascii, separators=(", ", ": ")).encode()
    assert dumps(loads(other)) == dumps(value)
    if other != dumps(value):
        with pytest.raises(NotCanonical):
            require_canonical(other)


@given(st.binary(max_size=40) | text.map(str.encode))
def test_any_bytes_parse_or_are_refused_by_one_error(data: bytes) -> None:
    try:
        value = loads(data)
    except NotCanonical:
        return
    assert value == json.loads(data)


@given(plain, st.data())
def test_no_changed_byte_leaves_the_same_value_canonical(value: object, data: st.DataObject) -> None:
    encoded = bytearray(dumps(value))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = require_canonical(bytes(encoded))
    except NotCanonical:
        return
    assert dumps(changed) == bytes(encoded) != dumps(value)


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    zeta: str
    Alpha: int | None
    mid: bool


class Outer(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="outer/1", omit_defaults=True):
    b: str
    a: tuple[Inner, ...]
    text: list[str] = []
    raw: bytes = b""
    c: Inner | None = None


inners = st.builds(Inner, zeta=text, Alpha=st.none() | integers, mid=st.booleans())
outers = st.builds(
    Outer,
    b=text,
    a=st.lists(inners, max_size=3).map(tuple),
    text=st.lists(text, max_size=3),
    raw=st.binary(max_size=9),
    c=st.none() | inners,
)


@given(outers)
def test_every_struct_is_written_as_the_reference_writes_it(obj: Outer) -> None:
    assert encode_struct(obj) == rfc8785.dumps(msgspec.to_builtins(obj))


@given(st.integers(-(2**70), 2**70), text)
def test_a_struct_is_refused_exactly_where_the_reference_refuses(number: int, words: str) -> None:
    obj = Inner(zeta=f"{words}:{number},{number}", Alpha=number, mid=True)
    if -MAX_INT <= number <= MAX_INT:
        assert encode_struct(obj) == rfc8785.dumps(msgspec.to_builtins(obj))
    else:
        with pytest.raises(NotCanonical):
            encode_struct(obj)
