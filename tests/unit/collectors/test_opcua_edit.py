"""An edit of a historical value says what was done by whom to which value, and nothing that the server does not say."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from collectors.demo.opcua_ids import status_of, ua_time
from collectors.ot.opcua_fields import FIELDS
from collectors.ot.opcua_original import Envelope, NodeFacts, encode
from collectors.ot.opcua_record import Reader
from ledger.core.errors import SkippableRecord
from ledger.core.record import Action, ActorKind, Change, Record
from ledger.core.times import Basis, Precision
from tests.support.opcua_pack import pack_event, pack_modification, pack_value

NODE = NodeFacts(id="nsu=urn:plant;s=PV", path="R1/PV", unit="bar")
READER = Reader("hist", {"R1": "R1"}, {}, frozenset({"svc"}))
NOON = datetime(2026, 11, 25, 12, 0, 0, 250_000, tzinfo=UTC)
NOON_US = 1_795_608_000_250_000
INSERT, REPLACE, UPDATE, DELETE = (kind.value for kind in ua.HistoryUpdateType)
AT = "Value@2026-11-25T12:00:00.250000+00:00"


def held(value: object, status: int = 0, second: int = 0) -> bytes:
    moment = ua_time(NOON + timedelta(seconds=second))
    return pack_value(ua.DataValue(ua.Variant(value), status_of(status), moment, moment))


def edit(update: int, value: object, after: object = None, user: str | None = "engineer1", **others: str) -> Record:
    known = Envelope(
        sort="edit",
        data=encode(held(value)),
        node=NODE,
        namespaces=("", "urn:plant"),
        modification=encode(pack_modification(NOON_US + 3_600_000_000, update, user)),
        after="" if after is None else encode(held(after)),
    )
    return READER.derive(msgspec.structs.replace(known, **others).original())


@pytest.mark.parametrize(
    ("update", "action", "old", "new"),
    [
        (INSERT, Action.CREATE, None, "1.5"),
        (REPLACE, Action.UPDATE, "1.5", "2.5"),
        (UPDATE, Action.UPDATE, "1.5", "2.5"),
        (DELETE, Action.DELETE, "1.5", None),
    ],
)
def test_each_kind_of_edit_has_its_action_old_and_new(update: int, action: Action, old: object, new: object) -> None:
    record = edit(update, 1.5, 2.5)
    assert record.action is action
    assert record.changes == (Change(attribute=AT, old=old, new=new, unit="bar"),)  # type: ignore[arg-type]
    assert (record.actor.account, record.actor.kind) == ("engineer1", ActorKind.PERSON)
    assert record.occurred_at.text == "2026-11-25T13:00:00.250000+00:00"
    assert record.source_recorded_at is None
    assert (record.object.id, record.object.name) == (NODE.id, NODE.path)
    assert [link.id for link in record.links] == ["R1"]
    assert record.source_record_id == f"edit:{NODE.id}@{AT.partition('@')[2]}:{record.occurred_at.text}:{action.value}"


def test_a_new_value_that_the_server_does_not_give_is_unset_and_not_null() -> None:
    (change,) = edit(REPLACE, 1.5).changes
    assert change.new is msgspec.UNSET


def test_who_and_when_may_be_unknown() -> None:
    unknown = Envelope(
        sort="edit",
        data=encode(held(1.5)),
        node=NODE,
        namespaces=(),
        modification=encode(b"\x00" * 8 + pack_modification(0, DELETE, None)[8:]),
    )
    record = READER.derive(unknown.original())
    assert (record.actor.account, record.actor.kind) == (None, ActorKind.UNKNOWN)
    assert (record.occurred_at.instant_us, record.occurred_at.basis) == (None, Basis.NONE)
    assert edit(DELETE, 1.5, user="svc").actor.kind is ActorKind.SERVICE


def test_a_bad_value_says_so() -> None:
    bad = encode(held(1.5, StatusCodes.BadSensorFailure))
    record = edit(DELETE, 1.5, data=bad)
    assert [(change.attribute, change.old, change.new) for change in record.changes] == [
        (AT, "1.5", None),
        (AT.replace("Value", "StatusCode"), "BadSensorFailure", None),
    ]


def test_every_digit_of_both_times_is_kept() -> None:
    made = encode(pack_modification(NOON_US, DELETE, "x", tenths=7))
    record = edit(DELETE, 1.5, modification=made)
    assert record.occurred_at.text == "2026-11-25T12:00:00.2500007+00:00"
    assert record.occurred_at.precision is Precision.NANOSECOND
    assert record.occurred_at.instant_us == NOON_US


@pytest.mark.parametrize(
    "others",
    [
        {"modification": encode(pack_modification(NOON_US, 9, "x"))},
        {"modification": encode(pack_modification(NOON_US, DELETE, "x") + b"\x00")},
        {"data": encode(b"\x01\x0b" + b"\x00" * 8)},
        {"modification": ""},
    ],
    ids=["no such kind", "left over", "no time", "nobody"],
)
def test_what_is_no_edit_is_refused(others: dict[str, str]) -> None:
    with pytest.raises(SkippableRecord):
        edit(REPLACE, 1.5, 2.5, **others)


def test_an_audited_edit_pairs_old_and_new_by_the_time_of_the_value() -> None:
    values = [ua.DataValue(ua.Variant(number), SourceTimestamp=ua_time(NOON + timedelta(seconds=place)))
              for place, number in enumerate((1.0, 2.0, 3.0))]  # fmt: skip
    known = {
        "EventId": ua.Variant(b"\x01"), "Time": ua.Variant(NOON), "Status": ua.Variant(True),
        "ClientUserId": ua.Variant("engineer1"), "PerformInsertReplace": ua.Variant(2, ua.VariantType.Int32),
        "NewValues": ua.Variant(values[:2], ua.VariantType.DataValue),
        "OldValues": ua.Variant(values[1:], ua.VariantType.DataValue),
    }  # fmt: skip
    fields = [known.get(name, ua.Variant(None)) for name in FIELDS]
    envelope = Envelope(
        sort="event", data=encode(pack_event(fields)), node=NODE, namespaces=(),
        kind="AuditHistoryValueUpdateEventType", fields=FIELDS,
    )  # fmt: skip
    record = READER.derive(envelope.original())
    assert [(change.old, change.new) for change in record.changes] == [
        (msgspec.UNSET, "1.0"),
        ("2.0", "2.0"),
        ("3.0", msgspec.UNSET),
    ]
