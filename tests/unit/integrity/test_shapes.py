"""Only bodies that are canonical JSON of their kind's shape pass the fast check, however they are mixed."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core import canonical
from ledger.core.errors import NotCanonical
from ledger.core.kinds import RECORD, Kind, KindRegistry
from ledger.core.record import RecordBody
from ledger.integrity.shapes import Shapes
from ledger.service import assembly
from tests.support.ledgers import record


class Finding1(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="finding/1"):
    """Two versions of one kind, for a test."""

    text: str
    count: int = 0


class Finding2(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="finding/2"):
    text: str
    alpha: str = ""


SHAPES = Shapes(KindRegistry([RECORD, Kind("finding", [Finding1, Finding2])]))
DIGEST = "A" * 43 + "="


def body(number: int, **members: Any) -> bytes:
    made = {
        "record": record(number, **members),
        "received_at": "2026-11-25T07:10:06.123456Z",
        "digest": {"key": "k", "hmac": DIGEST},
    }
    return canonical.encode_struct(msgspec.convert(msgspec.to_builtins(made), RecordBody))


@pytest.mark.parametrize("kind", [kind.name for kind in assembly("sqlite")[0]])
def test_every_kind_of_the_installation_has_the_fast_way(kind: str) -> None:
    shapes = Shapes(assembly("sqlite")[0])
    assert shapes.codec(kind.encode()) is not None


def test_what_the_append_path_writes_passes() -> None:
    bodies = [body(number, reason="naïve € 🜁" if number % 2 else None) for number in range(300)]
    decoded = SHAPES.read(b"record", bodies)
    assert [one.record.source_record_id for one in decoded] == [str(number) for number in range(300)]


def test_two_versions_of_a_kind_pass_together() -> None:
    bodies = [canonical.encode_struct(one) for one in (Finding1(text="a", count=3), Finding2(text="b", alpha="c"))]
    assert [one.text for one in SHAPES.read(b"finding", bodies)] == ["a", "b"]


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "unknown member": lambda good: good.replace(b'{"digest"', b'{"aaa":1,"digest"'),
    "unknown member deep inside": lambda good: good.replace(b'{"account"', b'{"aaa":null,"account"'),
    "doubled member": lambda good: good.replace(b'"received_at"', b'"received_at":"x","received_at"'),
    "white space": lambda good: good.replace(b'","', b'", "', 1),
    "line feed at the end": lambda good: good + b"\n",
    "line feed within": lambda good: good.replace(b',"received_at"', b',\n"received_at"'),
    "other order": lambda good: b'{"schema":"record/1",' + good[1:].replace(b',"schema":"record/1"', b""),
    "other escape": lambda good: good.replace(b'"erp"', b'"\\u0065rp"'),
    "number as double": lambda good: good.replace(b'"instant_us":1790', b'"instant_us":1.790e15,"x":1790'),
    "integer beyond 2^53": lambda good: good.replace(b'"instant_us":1', b'"instant_us":1' + b"0" * 20),
    "two values": lambda good: good + good,
    "none": lambda good: b"",
    "not UTF-8": lambda good: good.replace(b"erp", b"\xff\xfe"),
    "another kind": lambda good: good.replace(b"record/1", b"record/2"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_body_that_is_not_canonical_is_refused_among_good_ones(how: str) -> None:
    good = body(1, outcome="denied")
    broken = BROKEN[how](good)
    assert broken != good
    with pytest.raises(NotCanonical):
        SHAPES.read(b"record", [good, broken, good])


def test_bodies_torn_apart_at_other_places_do_not_make_up_for_each_other() -> None:
    one, two = body(1), body(2)
    joined = one + b"\n" + two
    for at in range(0, len(joined), 37):
        with pytest.raises(NotCanonical):
            SHAPES.read(b"record", [joined[:at], joined[at:]])


@given(at=st.integers(0, 2000), byte=st.integers(0, 255))
def test_whatever_one_byte_becomes_a_body_that_passes_is_canonical(at: int, byte: int) -> None:
    good = bytearray(body(3))
    good[at % len(good)] = byte
    changed = bytes(good)
    try:
        SHAPES.read(b"record", [changed])
    except NotCanonical:
        return
    canonical.require_canonical(changed)


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT, st.integers(-(2**53) + 1, 2**53 - 1), st.booleans()), min_size=1, max_size=5))
def test_every_value_that_can_be_appended_passes(values: list[tuple[str, str, int, bool]]) -> None:
    bodies = [
        body(1, reason=text, changes=({"attribute": name, "old": number, "new": flag},))
        for text, name, number, flag in values
    ]
    assert len(SHAPES.read(b"record", bodies)) == len(values)
