"""A mapping says what an item means: each part of its form, what is refused and named, and what a record keeps."""

from decimal import Decimal
from typing import Any

import jmespath
import msgspec
import pytest

from collectors.mapping.collector import json_item
from collectors.mapping.expression import MISSING, compile_path
from collectors.mapping.mapper import Mapper
from collectors.mapping.model import read_mapping
from ledger.core.errors import ConfigError, SkippableRecord
from ledger.core.record import Action, ActorKind, LinkBasis, LinkKind, Outcome, Record
from ledger.core.times import Basis, Precision

HEAD = """
name = "issue-journal"
version = 1
title = "Issue journals"
class = "quality-system"
lacks = ["a gap-free counter"]
"""
RECORD = """
[record]
id = { join = ["issue.id", "journal.id"], by = "/" }
action = { path = "journal.kind", map = { note = "update", "closed!" = "approve" } }
outcome = { path = "journal.ok", map = { true = "success", false = "failure" }, default = "success" }
occurred_at = "journal.at"
recorded_at = { at = "journal.stored", format = "unix-ms" }
sequence = "journal.id"
reason = "journal.notes"
actor.account = "journal.user"
actor.kind = { text = "person" }
actor.role = { path = "journal.role", match = "^role-(.*)$" }
object = { type = { text = "issue" }, id = "issue.id", name = "issue.subject" }

[[record.changes]]
each = "journal.details"
attribute = "name"
old = "was"
new = "is"
unit = "unit"

[[record.changes]]
between = ["journal.before", "journal.after"]
without = ["modified"]

[[record.links]]
kind = "change-request"
id = "issue.id"

[[record.links]]
kind = "batch"
id = "issue.batches[].id"
basis = "derived"
"""


def item(**journal: Any) -> dict[str, Any]:
    base = {"id": 7, "kind": "note", "at": "2026-03-01T08:15:00+01:00", "user": "qa1"}
    return {"issue": {"id": 42, "subject": "Filter"}, "journal": base | journal}


def made(given: dict[str, Any], mapping: str = RECORD, zone: str | None = None) -> Record:
    record = Mapper(read_mapping(HEAD + mapping), "qms", zone).record(given)
    return msgspec.convert(msgspec.to_builtins(record), Record)


def test_an_item_becomes_the_record_that_the_mapping_says() -> None:
    given = item(
        notes="checked",
        role="role-QA",
        stored=1772349300123,
        details=[
            {"name": "status", "was": "open", "is": "closed"},
            {"name": "limit", "is": Decimal("1.50"), "unit": "bar"},
        ],
    )
    given["issue"]["batches"] = [{"id": "B-1"}, {"id": "B-2"}]
    record = made(given)
    assert (record.source_record_id, record.action, record.outcome) == ("42/7", Action.UPDATE, Outcome.SUCCESS)
    assert (record.occurred_at.text, record.occurred_at.offset) == ("2026-03-01T08:15:00+01:00", "+01:00")
    assert record.source_recorded_at is not None
    assert (record.source_recorded_at.text, record.source_recorded_at.instant_us) == ("1772349300123", 1772349300123000)
    assert record.source_recorded_at.precision is Precision.MILLISECOND
    assert (record.source_sequence, record.reason) == ("7", "checked")
    assert (record.actor.account, record.actor.kind, record.actor.role) == ("qa1", ActorKind.PERSON, "QA")
    assert (record.object.type, record.object.id, record.object.name) == ("issue", "42", "Filter")
    first, second = record.changes
    assert (first.attribute, first.old, first.new) == ("status", "open", "closed")
    assert (second.old, second.new, second.unit) == (msgspec.UNSET, "1.50", "bar")
    assert [(link.kind, link.id, link.basis) for link in record.links] == [
        (LinkKind.CHANGE_REQUEST, "42", LinkBasis.READ),
        (LinkKind.BATCH, "B-1", LinkBasis.DERIVED),
        (LinkKind.BATCH, "B-2", LinkBasis.DERIVED),
    ]


def test_two_states_of_a_row_give_a_change_for_each_member_that_differs() -> None:
    before = {"id": 1, "limit": 5, "gone": "x", "same": None, "modified": 1, "flag": True}
    after = {"id": 1, "limit": Decimal("5.0"), "same": None, "modified": 2, "flag": 1, "new": None}
    changes = {change.attribute: (change.old, change.new) for change in made(item(before=before, after=after)).changes}
    assert changes == {
        "flag": (True, 1),
        "gone": ("x", msgspec.UNSET),
        "limit": (5, "5.0"),
        "new": (msgspec.UNSET, None),
    }


def test_null_is_said_and_a_missing_member_is_not() -> None:
    changes = made(item(details=[{"name": "a", "was": None, "is": 1}, {"name": "b", "is": 2}, {"name": "c"}])).changes
    assert [(change.attribute, change.old, change.new) for change in changes] == [
        ("a", None, 1),
        ("b", msgspec.UNSET, 2),
    ]


def test_without_an_account_the_actor_is_unknown() -> None:
    record = made(item(user=None))
    assert (record.actor.account, record.actor.kind) == (None, ActorKind.UNKNOWN)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kind": "renamed"}, "'renamed'"),
        ({"at": None}, "occurred_at"),
        ({"at": ["x"]}, "a time"),
        ({"ok": "perhaps"}, "'perhaps'"),
        ({"id": None}, "record.id"),
        ({"details": ["x"]}, "record.changes 1"),
        ({"before": "x"}, "record.changes 2"),
    ],
)
def test_an_item_that_has_not_what_a_record_needs_is_refused_with_the_place(given: dict[str, Any], named: str) -> None:
    with pytest.raises(SkippableRecord, match=named):
        made(item(**given))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("version = 1", 'version = "1"', "version"),
        ('class = "quality-system"', 'class = "fridge"', "class"),
        ("[record]", '[record]\ncolour = "red"', "colour"),
        ('note = "update"', 'note = "amend"', "'amend'"),
        ('"journal.at"', '"journal[at"', "JMESPath"),
        ('"^role-(.*)$"', '"^role-(.*$"', "RE2"),
        ('"^role-(.*)$"', '"(a)\\\\1"', "RE2"),
        ('format = "unix-ms"', 'format = "%Q"', "format"),
        ('{ text = "person" }', '{ text = "person", path = "x" }', "actor.kind"),
        ('{ text = "person" }', '{ text = "robot" }', "'robot'"),
        ('attribute = "name"', "", "attribute"),
        ('kind = "batch"', 'kind = "bath"', "kind"),
        ("[record]", "[record", "TOML"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_with_the_place(old: str, new: str, named: str) -> None:
    text = (HEAD + RECORD).replace(old, new, 1)
    assert text != HEAD + RECORD
    with pytest.raises(ConfigError, match=named):
        Mapper(read_mapping(text), "qms", None)


@pytest.mark.parametrize(
    ("moment", "given", "instant", "precision", "basis"),
    [
        ('"journal.at"', "2026-03-29T02:30:00", None, Precision.SECOND, Basis.ASSUMED),  # that hour did not exist
        ('"journal.at"', "2026-07-01 12:00:00.5", 1782900000500000, Precision.MILLISECOND, Basis.ASSUMED),
        ('"journal.at"', "2026-07-01 12:00:00 UTC", 1782907200000000, Precision.SECOND, Basis.SOURCE_ZONE),
        ('{ at = "journal.at", format = "unix" }', 1782907200, 1782907200000000, Precision.SECOND, Basis.SOURCE_ZONE),
        (
            '{ at = "journal.at", format = "unix" }',
            Decimal("1.0000005"),
            1000000,
            Precision.NANOSECOND,
            Basis.SOURCE_ZONE,
        ),
        ('{ at = "journal.at", format = "unix" }', "soon", None, Precision.SECOND, Basis.NONE),
        ('{ at = "journal.at", format = "unix" }', "9" * 30, None, Precision.SECOND, Basis.NONE),
        ('{ at = "journal.at", format = "unix" }', "1e999999", None, Precision.SECOND, Basis.NONE),
        ('{ at = "journal.at", format = "unix-ms" }', "-3E+1000000", None, Precision.MILLISECOND, Basis.NONE),
        ('{ at = "journal.at", format = "unix" }', "Infinity", None, Precision.SECOND, Basis.NONE),
        (
            '{ at = "journal.at", format = "%d.%m.%Y %H:%M:%S" }',
            "01.07.2026 12:00:00",
            1782900000000000,
            Precision.SECOND,
            Basis.ASSUMED,
        ),
        (
            '{ at = "journal.at", format = "%d.%m.%Y %H:%M", zone = "UTC" }',
            "01.07.2026 12:00",
            1782907200000000,
            Precision.MINUTE,
            Basis.ASSUMED,
        ),
        ('{ at = "journal.at", format = "%d.%m.%Y" }', "1st of July", None, Precision.SECOND, Basis.NONE),
    ],
)
def test_a_time_is_read_as_the_mapping_says_and_keeps_its_words(
    moment: str, given: object, instant: int | None, precision: Precision, basis: Basis
) -> None:
    time = made(item(at=given), RECORD.replace('"journal.at"', moment, 1), "Europe/Berlin").occurred_at
    assert (time.text, time.instant_us, time.precision, time.basis) == (str(given), instant, precision, basis)


def test_what_no_ledger_can_hold_is_replaced_and_long_numbers_become_text() -> None:
    text = (
        b'{"issue":{"id":12345678901234567890,"subject":"a\\u0000\\ud800"},"journal":'
        b'{"id":1,"kind":"note","at":"2026-03-01T08:15:00Z","user":"q\\udfff","details":[{"name":"n","is":1e400},'
        b'{"name":"m","is":[1.50,NaN]}]}}'
    )
    record = made(dict(json_item(text)))
    assert (record.object.id, record.object.name) == ("12345678901234567890", "a\ufffd\ufffd")
    assert record.actor.account == "q\ufffd"
    assert [change.new for change in record.changes] == ["1E+400", '["1.50","NaN"]']


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(SkippableRecord):
        json_item(data)


def test_a_pattern_that_would_never_end_elsewhere_takes_no_time() -> None:
    mapping = RECORD.replace('"^role-(.*)$"', '"^(a+)+$"')
    assert made(item(role="a" * 50_000 + "!"), mapping).actor.role is None


@pytest.mark.parametrize("path", ["a", "a.b", "a||b", "a.b || b.c", "a || b.c || c", "c || a.b.c || missing"])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"a": None, "b": 0, "c": "last"},
        {"a": {"b": ""}, "b": {"c": False}, "c": 7},
        {"a": {"b": {"c": []}}, "b": [], "c": {}},
        {"a": False, "b": Decimal("1.50")},
        {"a": {"b": [1]}, "b": {"c": "x"}, "c": None},
        {"a": "text", "b": {"c": None}},
    ],
)
def test_paths_that_are_followed_without_the_library_give_what_it_gives(path: str, given: dict[str, object]) -> None:
    taken = compile_path(path, "test")(given)
    assert (None if taken is MISSING else taken) == jmespath.search(path, given)
    if "||" in path:
        assert taken is not MISSING, "as with the library, null"
