import struct
from enum import StrEnum
from typing import Any

import msgspec
import pytest
import rfc8785

from ledger.core.canonical import MAX_INT, dumps, encode_struct, loads, require_canonical
from ledger.core.errors import NotCanonical
from tests.shared import shared_path

NAMES = ["arrays", "french", "structures", "unicode", "values", "weird"]


@pytest.mark.parametrize("name", NAMES)
def test_published_inputs_give_the_published_bytes(name: str) -> None:
    folder = shared_path("vectors/jcs")
    right = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())
    assert (folder / "output" / f"{name}.json").read_bytes() == right
    assert dumps(loads((folder / "input" / f"{name}.json").read_bytes())) == right
    require_canonical(right)


def test_ten_thousand_published_numbers_are_written_as_ecmascript_writes_them() -> None:
    lines = shared_path("vectors/jcs/es6numbers-10000.txt").read_text().splitlines()
    assert len(lines) == 10_000
    for line in lines:
        bits, text = line.split(",")
        (number,) = struct.unpack(">d", bytes.fromhex(bits.zfill(16)))
        assert dumps(number) == text.encode(), line
        require_canonical(text.encode())


def test_keys_sort_by_utf16_code_units_beyond_the_bmp() -> None:
    value = {"\ufb33": 1, "\U0001f600": 2, "a": 3}
    assert dumps(value) == '{"a":3,"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        MAX_INT + 1,
        -MAX_INT - 1,
        10**400,
        "\ud800",
        ["x\udfff"],
        {"\ud800": 1},
        {"a": {"\udc00\ud800": 1.5}},
        {1: "a"},
        {None: "a"},
        b"bytes",
        {"a": object()},
        {1, 2},
    ],
)
def test_a_value_without_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        dumps(value)


@pytest.mark.parametrize("leaf", [1, 1.5])
def test_nesting_is_written_and_read_to_64_and_no_deeper(leaf: float) -> None:
    def nested(depth: int) -> Any:
        value: Any = leaf
        for _ in range(depth):
            value = [value]
        return value

    deepest = dumps(nested(64))
    assert dumps(loads(deepest)) == deepest
    with pytest.raises(NotCanonical, match="deeper"):
        dumps(nested(65))
    with pytest.raises(NotCanonical, match="deeper"):
        loads(b"[" + deepest + b"]")
    with pytest.raises(NotCanonical, match="deeper"):
        loads(b"[" * 100_000 + b"]" * 100_000)


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotCanonical):
        dumps(loop)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1,]",
        b'{"a":1}x',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'[{"x":{"b":1,"b":1}}]',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b"[-1e400]",
        b"01",
        b"+1",
        b".5",
        b"'a'",
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'{"\\uDFFF":1}',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\xc0\x80"',
        b'\xef\xbb\xbf"a"',
        b'"a\nb"',
        b"1" * 5000,
        "{\u00a0}".encode(),
    ],
)
def test_json_that_two_parsers_could_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        loads(data)
    with pytest.raises(NotCanonical):
        require_canonical(data)


def test_strict_parsing_keeps_what_is_unambiguous() -> None:
    assert loads(b' {"a" : [1, 2.50, "\\ud83d\\ude00"]}\n') == {"a": [1, 2.5, "\U0001f600"]}
    assert loads(b"12345678901234567890") == 12345678901234567890


@pytest.mark.parametrize(
    "data",
    [
        b' {"a":1}',
        b'{"a":1}\n',
        b'{"b":1,"a":2}',
        b"[1, 2]",
        b"1.0",
        b"1e2",
        b"-0",
        b"9007199254740993",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u001F"',
        b'{"a":"\\u007f"}',
    ],
)
def test_json_that_is_not_its_own_canonical_form_is_refused(data: bytes) -> None:
    loads(data)
    with pytest.raises(NotCanonical):
        require_canonical(data)


def test_the_canonical_form_of_a_large_double_is_accepted() -> None:
    for number in (2.0**53, 1e20, -1.5e17):
        assert require_canonical(dumps(number)) == number


def test_the_fast_path_escapes_every_character_as_rfc_8785_does() -> None:
    for code in [*range(0xD800), *range(0xE000, 0x110000, 7)]:
        value = chr(code)
        if dumps(value) != rfc8785.dumps(value):
            pytest.fail(f"U+{code:04X}: {dumps(value)!r}")


class Mode(StrEnum):
    ON = "on"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    zeta: str
    alpha: int | None = None


class Whole(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="whole/1"):
    title: str
    count: int
    mode: Mode = Mode.ON
    raw: bytes = b"\x00\xff"
    parts: tuple[Part, ...] = ()
    last: Part | None = None
    flag: bool = True


class WithFloat(msgspec.Struct):
    parts: list[float]


class WithDict(msgspec.Struct):
    parts: dict[str, int]


class WithAny(msgspec.Struct):
    parts: Any


class WithForeignName(msgspec.Struct, rename={"name": "näme"}):
    name: str


def test_a_struct_is_written_as_rfc_8785_writes_its_members() -> None:
    for code in [*range(0x100), 0x2028, 0x2029, 0xE000, 0xFB33, 0xFFFF, 0x1F600, 0x10FFFF]:
        text = f"a{chr(code)}b"
        obj = Whole(title=text, count=MAX_INT, parts=(Part(zeta=text, alpha=-MAX_INT),), last=Part(zeta=text))
        assert encode_struct(obj) == rfc8785.dumps(msgspec.to_builtins(obj))


@pytest.mark.parametrize("count", [MAX_INT + 1, -MAX_INT - 1, 2**63, 2**70])
def test_a_struct_with_an_integer_beyond_a_double_is_refused(count: int) -> None:
    with pytest.raises(NotCanonical):
        encode_struct(Whole(title="x", count=count))


def test_digits_in_a_string_are_not_taken_for_an_integer() -> None:
    obj = Whole(title=":9999999999999999999,", count=1)
    assert encode_struct(obj) == rfc8785.dumps(msgspec.to_builtins(obj))


def test_a_struct_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(NotCanonical):
        encode_struct(Whole(title="\ud800", count=1))


@pytest.mark.parametrize(
    "obj", [WithFloat(parts=[1.0]), WithDict(parts={"a": 1}), WithAny(parts=1), WithForeignName(name="x")]
)
def test_a_struct_type_whose_form_is_not_provable_is_refused(obj: msgspec.Struct) -> None:
    with pytest.raises(NotCanonical, match="dumps"):
        encode_struct(obj)
