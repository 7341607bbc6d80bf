"""OPC UA originals become records by fixed rules, and what is no original of theirs is refused, never misread."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from hypothesis import given
from hypothesis import strategies as st

from collectors.demo.opcua_ids import ua_time
from collectors.ot.opcua_binary import unpack_event, unpack_value
from collectors.ot.opcua_bounds import Refused
from collectors.ot.opcua_echo import HOLD_SECONDS, Echoes, Held
from collectors.ot.opcua_fields import FIELDS, select_clauses, standard_name
from collectors.ot.opcua_original import Envelope, NodeFacts, encode
from collectors.ot.opcua_record import Reader
from collectors.ot.opcua_sample import sample_of, written_by
from collectors.ot.opcua_values import node_text
from ledger.core.errors import SkippableRecord
from ledger.core.record import Action, ActorKind, LinkBasis, LinkKind, Outcome, Record
from tests.support.opcua_pack import pack_event, pack_value

SPACES = ("http://opcfoundation.org/UA/", "urn:server", "urn:plant")
BATCH = NodeFacts(id="nsu=urn:plant;s=B", path="REACTOR-1/Batch/Id")
SETPOINT = NodeFacts(id="nsu=urn:plant;s=SP", path="REACTOR-1/TIC101/SP", unit="°C")
READER = Reader(
    "dcs", {"REACTOR-1": "REACTOR-1", "REACTOR-1/AUX": "AUX"}, {BATCH.path: "REACTOR-1"}, frozenset({"svc"})
)
NOON = datetime(2026, 11, 25, 12, 0, 0, 250_000, tzinfo=UTC)


def event(kind: str, node: NodeFacts, **values: Any) -> Envelope:
    known: dict[str, Any] = {
        "EventId": b"\x01\x02", "Time": NOON, "ReceiveTime": NOON, "ActionTimeStamp": NOON - timedelta(seconds=1),
        "Status": True, "ClientUserId": "operator1", **{name.replace("__", "/"): v for name, v in values.items()},
    }  # fmt: skip
    fields = [one if isinstance(one := known.get(name), ua.Variant) else ua.Variant(one) for name in FIELDS]
    return Envelope(
        sort="event", data=encode(pack_event(fields)), node=node, namespaces=SPACES, kind=kind, fields=FIELDS
    )


def write(node: NodeFacts, old: object, new: object, **values: Any) -> Envelope:
    attribute = ua.Variant(13, ua.VariantType.UInt32)
    return event(
        "AuditWriteUpdateEventType", node, **{"AttributeId": attribute, "OldValue": old, "NewValue": new, **values}
    )


def derive(envelope: Envelope) -> Record:
    return READER.derive(envelope.original())


def value(new: object, seconds: float, node: NodeFacts = BATCH) -> Envelope:
    moment = NOON + timedelta(seconds=seconds)
    data = pack_value(ua.DataValue(ua.Variant(new), SourceTimestamp=ua_time(moment), ServerTimestamp=ua_time(moment)))
    return Envelope(sort="value", data=encode(data), node=node, namespaces=SPACES)


def links(record: Record) -> set[tuple[str, str, str]]:
    return {(link.kind.value, link.id, link.basis.value) for link in record.links}


def test_an_audited_write_keeps_old_and_new_unit_user_and_time() -> None:
    record = derive(write(SETPOINT, 70.0, 72.5))
    (change,) = record.changes
    assert (change.attribute, change.old, change.new, change.unit) == ("Value", "70.0", "72.5", "°C")
    assert change.inferred is None
    assert (record.action, record.outcome) == (Action.UPDATE, Outcome.SUCCESS)
    assert (record.actor.account, record.actor.kind) == ("operator1", ActorKind.PERSON)
    assert record.occurred_at.text == "2026-11-25T11:59:59.250000+00:00"
    assert record.source_recorded_at is not None
    assert record.source_recorded_at.text == "2026-11-25T12:00:00.250000+00:00"
    assert record.source_record_id == "0102"
    assert (record.object.id, record.object.name) == (SETPOINT.id, SETPOINT.path)
    assert links(record) == {("equipment", "REACTOR-1", "derived")}


def test_a_refused_write_is_denied_and_says_why() -> None:
    record = derive(write(SETPOINT, 70.0, 99.0, Status=False, Message=ua.LocalizedText("BadUserAccessDenied: no")))
    assert (record.outcome, record.reason) == (Outcome.DENIED, "BadUserAccessDenied: no")


def test_writing_another_attribute_is_configuration() -> None:
    record = derive(write(SETPOINT, 1, 3, AttributeId=ua.Variant(17, ua.VariantType.UInt32)))
    assert (record.action, record.changes[0].attribute, record.changes[0].unit) == (
        Action.CONFIGURE,
        "AccessLevel",
        None,
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "B-1", [(Action.START, "B-1", "0102")]),
        (None, "B-1", [(Action.START, "B-1", "0102")]),
        ("B-1", "", [(Action.STOP, "B-1", "0102")]),
        ("B-1", "B-2", [(Action.STOP, "B-1", "0102:stop"), (Action.START, "B-2", "0102:start")]),
    ],
)
def test_a_batch_node_starts_and_stops_batches_on_its_equipment(old: object, new: object, told: list[Any]) -> None:
    found = [derive(part) for part in READER.parts(write(BATCH, old, new))]
    assert [(record.action, record.links[0].id, record.source_record_id) for record in found] == told
    for record in found:
        assert (record.links[0].kind, record.links[0].basis) == (LinkKind.BATCH, LinkBasis.READ)
        assert (record.links[1].kind, record.links[1].id) == (LinkKind.EQUIPMENT, "REACTOR-1")
        assert (record.changes[0].old, record.changes[0].new) == (old, new)


def test_the_same_batch_written_again_or_refused_starts_nothing() -> None:
    for envelope in (write(BATCH, "B-1", "B-1"), write(BATCH, "B-1", "B-2", Status=False)):
        (part,) = READER.parts(envelope)
        assert derive(part).action is Action.UPDATE


@pytest.mark.parametrize(
    ("kind", "status", "action"),
    [
        ("AuditActivateSessionEventType", True, Action.LOGIN),
        ("AuditActivateSessionEventType", False, Action.LOGIN_FAILED),
        ("AuditSessionEventType", True, Action.LOGOUT),
    ],
)
def test_sessions_are_logins_and_logouts(kind: str, status: bool, action: Action) -> None:
    session = ua.NodeId(ua.Int32(17), ua.Int16(1))
    code = ua.StatusCode(ua.UInt32(StatusCodes.Good if status else StatusCodes.BadIdentityTokenRejected))
    record = derive(event(kind, SETPOINT, Status=status, SessionId=session, StatusCodeId=code, ClientUserId="svc"))
    assert (record.action, record.object.type, record.object.id) == (action, "session", "nsu=urn:server;i=17")
    assert record.actor.kind is ActorKind.SERVICE
    assert record.outcome is (Outcome.SUCCESS if status else Outcome.DENIED)


def test_an_acknowledgement_names_person_alarm_and_comment() -> None:
    alarm = NodeFacts(id="nsu=urn:plant;s=HI", path="REACTOR-1/TIC101/HI")
    record = derive(event("AuditConditionAcknowledgeEventType", alarm, Comment=ua.LocalizedText("seen")))
    assert (record.action, record.reason, record.object.type) == (Action.ACKNOWLEDGE, "seen", "alarm")
    assert ("alarm", alarm.path, "read") in links(record)


def test_an_alarm_is_the_device_s_own_word_active_then_clear() -> None:
    for active, action in ((True, Action.ALARM), (False, Action.ALARM_CLEAR)):
        record = derive(
            event(
                "ExclusiveLevelAlarmType", SETPOINT, ConditionName="TIC101.HI", ActiveState__Id=active,
                Severity=ua.Variant(700, ua.VariantType.UInt16), ClientUserId=None,
            )
        )  # fmt: skip
        assert (record.action, record.actor.kind, record.object.name) == (action, ActorKind.DEVICE, "TIC101.HI")


def test_an_unknown_audit_event_is_kept_as_something_executed() -> None:
    assert derive(event("AuditProgramTransitionEventType", SETPOINT)).action is Action.EXECUTE


def test_hostile_texts_become_records_with_one_replacement() -> None:
    record = derive(write(SETPOINT, "a\x00b", "\udcff", ClientUserId="x\x00", Message=ua.LocalizedText("\x00")))
    assert (record.changes[0].old, record.changes[0].new, record.actor.account) == ("a\ufffdb", "\ufffd", "x\ufffd")
    msgspec.json.encode(record)


@pytest.mark.parametrize("path", ["REACTOR-1", "REACTOR-1/X", "REACTOR-10/X", "REACTOR-1/AUX/P1"])
def test_equipment_is_the_longest_path_above_and_no_part_of_a_name(path: str) -> None:
    found = links(derive(write(NodeFacts(id="i=1", path=path), 1, 2)))
    expected = {"REACTOR-10/X": None, "REACTOR-1/AUX/P1": "AUX"}.get(path, "REACTOR-1")
    assert found == ({("equipment", expected, "derived")} if expected else set())


@given(st.binary(max_size=200))
def test_bytes_that_are_no_original_are_refused(data: bytes) -> None:
    good = write(SETPOINT, 1.0, 2.0)
    for mangled in (data, msgspec.json.encode(msgspec.structs.replace(good, data=encode(data)))):
        with pytest.raises(SkippableRecord):
            READER.derive(msgspec.structs.replace(good.original(), data=mangled))


def test_events_and_values_read_back_as_they_were_written() -> None:
    fields = [ua.Variant(1.5), ua.Variant("x"), ua.Variant(None), ua.Variant([1, 2])]
    assert unpack_event(pack_event(fields)) == fields
    held = ua.DataValue(ua.Variant("B-1"), SourceTimestamp=ua_time(NOON))
    assert pack_value(unpack_value(pack_value(held))) == pack_value(held)
    for trailing in (pack_event(fields), pack_value(held)):
        with pytest.raises(ValueError, match="left over"):
            (unpack_event if trailing == pack_event(fields) else unpack_value)(trailing + b"\x00")


def test_a_node_keeps_its_id_when_the_server_numbers_its_namespaces_anew() -> None:
    text = "nsu=urn:plant;s=SP"
    assert node_text(ua.NodeId(ua.String("SP"), ua.Int16(2)), SPACES) == text
    assert node_text(ua.NodeId(ua.String("SP"), ua.Int16(1)), ("http://opcfoundation.org/UA/", "urn:plant")) == text


def test_every_field_is_asked_for_once_and_in_order() -> None:
    assert len(select_clauses()) == len(FIELDS) == len(set(FIELDS))
    assert standard_name(ua.NodeId(ua.Int32(ObjectIds.AuditWriteUpdateEventType))) == "AuditWriteUpdateEventType"


def hear(echoes: Echoes, *heard: Envelope, missed: bool = False) -> list[Record]:
    for one in heard:
        sample = sample_of(one)
        assert sample is not None
        echoes.hold(Held(until=HOLD_SECONDS, received_at="", sample=sample, envelope=one, missed=missed))
    decided = [part for one in echoes.decide(HOLD_SECONDS) for part in READER.parts(one.envelope)]
    return [derive(part) for part in decided]


def audited(echoes: Echoes, envelope: Envelope) -> None:
    sample = written_by(envelope)
    assert sample is not None
    echoes.written(envelope.node.id, sample)


def test_a_first_value_is_where_things_stand_and_no_change() -> None:
    assert hear(Echoes({}), value("B-1", 0)) == []


def test_the_echo_of_an_audited_write_is_not_a_second_change() -> None:
    echoes = Echoes({})
    hear(echoes, value("", 0))
    audited(echoes, write(BATCH, "", "B-1"))
    assert hear(echoes, value("B-1", 0.5)) == []
    assert hear(echoes, value("", 9))[0].changes[0].old == "B-1", "the remembered value has moved on"


def test_a_value_that_no_audit_event_explains_is_a_change_by_someone_unknown() -> None:
    echoes = Echoes({})
    hear(echoes, value("", 0))
    (record,) = hear(echoes, value("B-7", 2))
    assert (record.action, record.actor.kind, record.actor.account) == (Action.START, ActorKind.UNKNOWN, None)
    assert record.changes[0].inferred is not None
    assert not record.changes[0].gap
    assert record.source_record_id.startswith("value:nsu=urn:plant;s=B@")


def test_a_write_long_before_or_of_another_value_explains_nothing() -> None:
    echoes = Echoes({})
    hear(echoes, value("", 0))
    audited(echoes, write(BATCH, "", "B-1"))
    assert [record.action for record in hear(echoes, value("B-2", 1), value("B-1", 60))] == [
        Action.START, Action.STOP, Action.START,
    ]  # fmt: skip


def test_a_change_while_nobody_listened_is_told_as_a_gap_and_survives_a_restart() -> None:
    echoes = Echoes({})
    hear(echoes, value("B-1", 0))
    again = Echoes(echoes.remembered)
    (record,) = hear(again, value("", 500), missed=True)
    assert (record.action, record.changes[0].gap) == (Action.STOP, True)
    assert hear(again, value("", 500), missed=True) == [], "the same value again is nothing new"


def test_a_refused_write_explains_no_value() -> None:
    assert written_by(write(BATCH, "", "B-1", Status=False)) is None


def test_an_endless_array_of_nothing_is_refused_at_once() -> None:
    endless = b"\x80\xff\xff\xff\x7f"
    nested = b"\x98\x01\x00\x00\x00" + endless
    for variant in (endless, nested):
        with pytest.raises(Refused, match="more values than"):
            unpack_event(b"\x01\x00\x00\x00" + variant)
        with pytest.raises(Refused, match="more values than"):
            unpack_value(b"\x01" + variant)
