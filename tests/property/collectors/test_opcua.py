"""Any bytes of an OPC UA server, and any original, become records or are refused; what is well formed is kept whole."""

import random
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import variant_to_binary
from hypothesis import given
from hypothesis import strategies as st

from collectors.ot.opcua_binary import (
    Ended,
    FileTime,
    Piece,
    RawEvent,
    RawValue,
    read_edit_page,
    read_event_page,
    read_notification,
    read_value_page,
    unpack_event,
    unpack_modification,
    unpack_value,
)
from collectors.ot.opcua_fields import FIELDS
from collectors.ot.opcua_nodes import standard_id
from collectors.ot.opcua_original import Envelope, NodeFacts, encode
from collectors.ot.opcua_record import Reader
from collectors.ot.opcua_sample import sample_of, written_by
from collectors.ot.opcua_values import source_time
from ledger.core import canonical
from ledger.core.errors import SkippableRecord
from ledger.core.record import Record
from tests.support.opcua_pack import pack_modification, pack_ticks, pack_value

SPACES = ("http://opcfoundation.org/UA/", "urn:server", "urn:plant")
NODE = NodeFacts(id="nsu=urn:plant;s=B", path="U/B", unit="°C")
READER = Reader("dcs", {"U": "U"}, {NODE.path: "U"}, frozenset({"svc"}))
KINDS = (
    "AuditWriteUpdateEventType", "AuditActivateSessionEventType", "AuditSessionEventType", "AuditUpdateMethodEventType",
    "AuditConditionAcknowledgeEventType", "AuditHistoryValueUpdateEventType", "AuditHistoryRawModifyDeleteEventType",
    "ExclusiveLevelAlarmType", "",
)  # fmt: skip
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.integers(-(2**33) * 10**6, 2**32 * 10**6)
"""Microseconds since 1970, from the year 1697 to 2106."""
TEXT = st.text(st.characters(exclude_categories=()), max_size=30)

number = st.integers(0, 2**31 - 1)
node_ids = st.one_of(
    st.builds(lambda one: ua.NodeId(ua.Int32(one)), number),
    st.builds(lambda name, space: ua.NodeId(ua.String(name), ua.Int16(space)), st.text(max_size=20), st.integers(0, 4)),
)
scalars: st.SearchStrategy[ua.Variant] = st.one_of(
    st.just(ua.Variant(None)),
    st.builds(ua.Variant, st.booleans()),
    st.builds(lambda one: ua.Variant(one, ua.VariantType.Int64), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda one: ua.Variant(one, ua.VariantType.UInt64), st.integers(0, 2**64 - 1)),
    st.builds(lambda one: ua.Variant(one, ua.VariantType.UInt32), st.integers(0, 2**32 - 1)),
    st.builds(lambda one: ua.Variant(one, ua.VariantType.Double), st.floats()),
    st.builds(lambda one: ua.Variant(one, ua.VariantType.Float), st.floats(width=32)),
    st.builds(lambda one: ua.Variant(one, ua.VariantType.String), st.one_of(st.none(), st.text(max_size=30))),
    st.builds(lambda one: ua.Variant(one, ua.VariantType.ByteString), st.one_of(st.none(), st.binary(max_size=30))),
    st.builds(lambda one: ua.Variant(UUID(int=one), ua.VariantType.Guid), st.integers(0, 2**128 - 1)),
    st.builds(lambda one: ua.Variant(one, ua.VariantType.NodeId), node_ids),
    st.builds(
        lambda one: ua.Variant(ua.StatusCode(ua.UInt32(one)), ua.VariantType.StatusCode), st.integers(0, 2**32 - 1)
    ),
    st.builds(lambda one: ua.Variant(ua.LocalizedText(one), ua.VariantType.LocalizedText), st.text(max_size=20)),
    st.builds(lambda one: ua.Variant(ua.QualifiedName(one, 1), ua.VariantType.QualifiedName), st.text(max_size=20)),
)
arrays = st.one_of(
    st.builds(lambda many: ua.Variant(many, ua.VariantType.Double), st.lists(st.floats(), max_size=6)),
    st.builds(lambda many: ua.Variant(many, ua.VariantType.String), st.lists(st.text(max_size=9), max_size=6)),
    st.builds(lambda many: ua.Variant(many, ua.VariantType.Variant), st.lists(scalars, max_size=4)),
)
variants = st.one_of(scalars, arrays).map(lambda variant: bytes(variant_to_binary(variant)))
times = st.tuples(TIMES, st.integers(0, 9)).map(lambda moment: b"\x0d" + pack_ticks(*moment))
values = st.one_of(variants, times)


PROMISED: Mapping[str, st.SearchStrategy[bytes]] = {
    "EventId": st.binary(min_size=1, max_size=16).map(lambda one: b"\x0f" + struct.pack("<i", len(one)) + one),
    "Time": times,
    "ActionTimeStamp": times,
    "Status": st.sampled_from([b"\x01\x00", b"\x01\x01"]),
    "AttributeId": st.sampled_from([b"\x07\x0d\x00\x00\x00", b"\x07\x11\x00\x00\x00"]),
    "OldValue": values,
    "NewValue": values,
}


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """The fields of an event as a server sends them: what their names promise, and in some of them anything."""
    fields = dict.fromkeys(FIELDS, b"\x00") | {name: draw(promised) for name, promised in PROMISED.items()}
    fields |= draw(st.dictionaries(st.sampled_from(FIELDS), values, max_size=4))
    return struct.pack("<i", len(fields)) + b"".join(fields.values())


@st.composite
def data_values(draw: st.DrawFn) -> bytes:
    """A DataValue with any of its parts."""
    mask = draw(st.integers(0, 0x3F))
    parts = [(0x01, values), (0x02, st.binary(min_size=4, max_size=4))]
    moment = st.tuples(TIMES, st.integers(0, 9)).map(lambda one: pack_ticks(*one))
    pico = st.binary(min_size=2, max_size=2)
    parts += [(0x04, moment), (0x10, pico), (0x08, moment), (0x20, pico)]
    return bytes([mask]) + b"".join(draw(part) for bit, part in parts if mask & bit)


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    sort = draw(st.sampled_from(["event", "value", "edit"]))
    if sort == "event":
        return Envelope(
            sort="event",
            data=encode(draw(events())),
            node=NODE,
            namespaces=SPACES,
            kind=draw(st.sampled_from(KINDS)),
            fields=FIELDS,
        )
    other = draw(st.one_of(st.just(""), data_values().map(encode)))
    if sort == "value":
        return Envelope(sort="value", data=encode(draw(data_values())), node=NODE, namespaces=SPACES, before=other)
    made = pack_modification(draw(TIMES), draw(st.integers(0, 6)), draw(st.one_of(st.none(), st.text(max_size=9))))
    return Envelope(
        sort="edit",
        data=encode(draw(data_values())),
        node=NODE,
        namespaces=SPACES,
        modification=encode(made),
        after=other,
    )


def derived(envelope: Envelope) -> Record | None:
    """The record of an original, which holds what a ledger takes; None where it is refused."""
    try:
        record = READER.derive(envelope.original())
    except SkippableRecord:
        return None
    assert READER.derive(envelope.original()) == record
    return record


@given(envelopes())
def test_every_original_is_a_record_that_a_ledger_takes_or_is_refused(envelope: Envelope) -> None:
    sample_of(envelope)
    written_by(envelope)
    for part in READER.parts(envelope):
        record = derived(part)
        if record is None:
            continue
        try:
            msgspec.convert(msgspec.to_builtins(record), Record)
        except msgspec.ValidationError:
            continue  # as the batch builder does: into quarantine
        canonical.dumps(msgspec.to_builtins(record))


@given(envelopes(), st.randoms(use_true_random=False))
def test_a_mangled_original_is_refused_or_read_and_never_breaks_the_reader(
    envelope: Envelope, chance: random.Random
) -> None:
    data = bytearray(envelope.original().data)
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(data))
        data[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    try:
        record = READER.derive(msgspec.structs.replace(envelope.original(), data=bytes(data)))
    except SkippableRecord:
        return
    assert isinstance(record, Record)


@given(st.binary(max_size=300))
def test_any_bytes_in_place_of_a_list_give_pieces_and_no_error(data: bytes) -> None:
    for kind in (
        ObjectIds.EventNotificationList_Encoding_DefaultBinary,
        ObjectIds.DataChangeNotification_Encoding_DefaultBinary,
        ObjectIds.HistoryEvent_Encoding_DefaultBinary,
        ObjectIds.HistoryData_Encoding_DefaultBinary,
        7,
    ):
        body = ua.ExtensionObject(TypeId=standard_id(kind), Body=ua.ByteString(data))
        for read in (read_notification, read_event_page, read_value_page):
            pieces: list[Piece] = list(read(body))
            assert sum(len(piece.data) for piece in pieces if not isinstance(piece, Ended)) <= len(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_no_event_value_or_edit_or_one_that_reads_back(data: bytes) -> None:
    for unpack in (unpack_event, unpack_value, unpack_modification):
        try:
            first = unpack(data)
        except Exception:  # the decoder names no error of its own
            continue
        assert repr(unpack(data)) == repr(first)
    body = ua.ExtensionObject(
        TypeId=standard_id(ObjectIds.HistoryModifiedData_Encoding_DefaultBinary), Body=ua.ByteString(data)
    )
    try:
        edits = read_edit_page(body)
    except Exception:
        return
    assert sum(len(edit.value.data) + len(edit.modification) for edit in edits) <= len(data)


@given(st.lists(events(), max_size=4), st.lists(data_values(), max_size=4))
def test_what_is_cut_out_of_a_notification_are_the_very_bytes_in_it(sent: list[bytes], held: list[bytes]) -> None:
    listed = struct.pack("<i", len(sent)) + b"".join(struct.pack("<I", 0) + one for one in sent)
    body = ua.ExtensionObject(
        TypeId=standard_id(ObjectIds.EventNotificationList_Encoding_DefaultBinary), Body=ua.ByteString(listed)
    )
    found = list(read_notification(body))
    assert [piece.data for piece in found if isinstance(piece, RawEvent)] == sent
    items = struct.pack("<i", len(held)) + b"".join(struct.pack("<I", place) + one for place, one in enumerate(held))
    body = ua.ExtensionObject(
        TypeId=standard_id(ObjectIds.DataChangeNotification_Encoding_DefaultBinary),
        Body=ua.ByteString(items + b"\xff" * 4),
    )
    got = [piece for piece in read_notification(body) if isinstance(piece, RawValue)]
    assert [(piece.handle, piece.data) for piece in got] == list(enumerate(held))


@given(TIMES, st.integers(0, 9))
def test_a_time_keeps_every_digit_in_its_text_and_is_the_same_instant(unix_us: int, tenths: int) -> None:
    told = FileTime.of(struct.unpack("<q", pack_ticks(unix_us, tenths))[0])
    time = source_time(told)
    assert time is not None
    assert time.instant_us == unix_us == told.unix_us
    whole = EPOCH + timedelta(microseconds=unix_us)
    assert time.text == (
        whole.isoformat() if not tenths else f"{whole.isoformat(timespec='microseconds')[:26]}{tenths}+00:00"
    )


@given(st.floats(allow_nan=False), TIMES)
def test_a_value_written_by_asyncua_reads_as_it_does_there(value: float, unix_us: int) -> None:
    moment = EPOCH + timedelta(microseconds=unix_us)
    stamp = ua.DateTime.combine(moment.date(), moment.timetz())
    held = ua.DataValue(ua.Variant(value), SourceTimestamp=stamp, ServerTimestamp=stamp)
    read = unpack_value(pack_value(held))
    assert read == held
