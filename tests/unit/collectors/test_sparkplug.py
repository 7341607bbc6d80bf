"""Sparkplug B without a broker: what messages of another implementation become, and what is remembered between them."""

import dataclasses
import re
from typing import Any

import mqtt5
import msgspec
import pytest
from pysparkplug import DataType, DBirth, DData, DDeath, NBirth, NCmd, NData, NDeath

from collectors.batch import BatchBuilder
from collectors.ot.mqtt_feed import Message, Place
from collectors.ot.sparkplug import Cursor, Sparkplug, _Listener
from collectors.ot.sparkplug_original import Envelope
from collectors.ot.sparkplug_payload import Payload, cut, read_payload
from collectors.ot.sparkplug_state import read_memory
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, SkippableRecord
from ledger.core.record import Action, ActorKind, Change, Interval, Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from tests.support.edge_node import metric

AT = "2026-11-25T07:10:{:02d}.000000Z"
BASE_MS = 1_795_590_600_000  # 2026-11-25T07:10:00Z


class Line:
    """An edge node `line` of group `g` and the collector that hears it, without a broker between."""

    def __init__(self, cursor: Cursor | None = None, snapshot: bytes | None = None, /, **options: str) -> None:
        given = {"url": "mqtt://broker.example", **options}
        config = SourceConfig(id="spb", type="sparkplug", title="Line", options=given)
        self.source = Sparkplug(config, {}, SystemClock())
        self.listener = _Listener(self.source, cursor, read_memory(snapshot, "spb"))
        self.number = 0
        self.seq = 0
        self.builder = self._new()

    def _new(self) -> BatchBuilder:
        return BatchBuilder("spb", SystemClock(), self.source.derive, None)

    def hear(self, topic: str, payload: bytes) -> list[Record]:
        """The records of one message; each is derivable from its original alone."""
        self.number += 1
        before = len(self.batch.submissions)
        self.listener.take(
            Message(mqtt5.PublishPacket(topic, payload), AT.format(self.number), self.number), self.builder
        )
        for submission in self.batch.submissions[before:]:
            assert submission.original is not None
            assert Line().source.derive(submission.original).source_record_id == submission.record.source_record_id
        return [submission.record for submission in self.batch.submissions[before:]]

    @property
    def batch(self) -> RunBatch:
        return self.builder.build(None, None)

    def say(self, kind: str, *metrics: Any, device: str = "", ms: int = 0, seq: int | None = None) -> list[Record]:
        """A message in the node's count; `ms` after the beginning of the test's time."""
        kinds = {"NBIRTH": NBirth, "NDATA": NData, "DBIRTH": DBirth, "DDATA": DData}
        if kind == "NBIRTH":
            self.seq = 0
        at = BASE_MS + (ms or 1000 * (self.number + 1))
        number = self.seq if seq is None else seq
        self.seq = (number + 1) % 256
        payload = kinds[kind](timestamp=at, seq=number, metrics=tuple(metrics))
        topic = f"spBv1.0/g/{kind}/line" + (f"/{device}" if device else "")
        return self.hear(topic, payload.encode(include_dtypes=kind.endswith("BIRTH")))


def told(name: str | None, value: object, kind: DataType = DataType.STRING, *, at: int = 0, **members: Any) -> Any:
    """A metric; without a time of its own unless `at` gives one."""
    return dataclasses.replace(metric(name, value, kind, at=at or 1, **members), timestamp=at or None)


def one(records: list[Record]) -> Record:
    (record,) = records
    return record


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (DataType.INT8, -128, -128),
        (DataType.INT16, -2, -2),
        (DataType.INT32, -(2**31), -(2**31)),
        (DataType.INT64, -(2**63), str(-(2**63))),
        (DataType.UINT8, 255, 255),
        (DataType.UINT32, 2**32 - 1, 2**32 - 1),
        (DataType.UINT64, 2**64 - 1, str(2**64 - 1)),
        (DataType.FLOAT, 0.1, "0.1"),
        (DataType.DOUBLE, 0.1, "0.1"),
        (DataType.BOOLEAN, True, True),
        (DataType.STRING, "a\x00b", "a\ufffdb"),
        (DataType.TEXT, "", ""),
        (DataType.UUID, "9b2d3c1e-0000-4000-8000-000000000001", "9b2d3c1e-0000-4000-8000-000000000001"),
        (DataType.BYTES, b"\x00\xff", "00ff"),
        (DataType.STRING, None, None),
    ],
)
def test_a_value_is_read_by_the_type_that_the_birth_gave(kind: DataType, value: object, expected: object) -> None:
    line = Line()
    line.say("NBIRTH", told("x", value, kind, alias=1))
    assert one(line.say("NDATA", told(None, value, kind, alias=1))).changes[0].new == expected


def test_values_of_every_form_are_told() -> None:
    payload = Payload(timestamp=BASE_MS, seq=0)
    first = payload.metrics.add(name="set", datatype=16)
    first.dataset_value.columns.extend(["a", "b"])
    first.dataset_value.types.extend([3, 12])
    row = first.dataset_value.rows.add()
    row.elements.add(int_value=2**32 - 1)
    row.elements.add(string_value="x")
    payload.metrics.add(name="moment", datatype=13, long_value=BASE_MS)
    payload.metrics.add(name="bits", datatype=32, bytes_value=b"\x03\x00\x00\x00\xa0")
    payload.metrics.add(name="numbers", datatype=23, bytes_value=b"\xff\xff\x01\x00")
    payload.metrics.add(name="texts", datatype=33, bytes_value=b"a\x00b\x00")
    payload.metrics.add(name="torn", datatype=24, bytes_value=b"\x01\x02\x03")
    payload.metrics.add(name="large", datatype=18, bytes_value=bytes(100_000))
    template = payload.metrics.add(name="template", datatype=19).template_value
    template.template_ref = "valve"
    template.parameters.add(name="n", type=3, int_value=7)
    template.metrics.add(name="open", datatype=11, boolean_value=True)
    record = one(Line().hear("spBv1.0/g/NBIRTH/line", payload.SerializeToString()))
    assert {change.attribute: change.new for change in record.changes if change.attribute != "large"} == {
        "set": '{"columns":["a","b"],"rows":[[-1,"x"]]}',
        "moment": "2026-11-25T07:10:00.000Z",
        "bits": "[true,false,true]",
        "numbers": "[-1,1]",
        "texts": '["a","b"]',
        "torn": "010203",
        "template": '{"template":"valve","parameter n":7,"open":true}',
    }
    large = next(change for change in record.changes if change.attribute == "large")
    assert re.fullmatch(r"100000 bytes \(bytes\), SHA-256 [0-9a-f]{64}", str(large.new))


def test_data_by_alias_has_name_type_unit_and_the_last_value() -> None:
    line = Line(equipment="g/line/reactor = REACTOR-1, g/line = LINE-1")
    birth = Payload(timestamp=BASE_MS + 1000, seq=1)
    defined = birth.metrics.add(name="TIC101/SP", alias=7, datatype=9, float_value=71.5)
    defined.properties.keys.append("engUnit")
    defined.properties.values.add(type=12, string_value="degC")
    line.say("NBIRTH")
    record = one(line.hear("spBv1.0/g/DBIRTH/line/reactor", birth.SerializeToString()))
    assert (record.action, record.object.type, record.object.id) == (Action.START, "device", "g/line/reactor")
    assert [link.id for link in record.links] == ["REACTOR-1"]
    line.seq = 2
    record = one(line.say("DDATA", told(None, 72.5, DataType.FLOAT, alias=7), device="reactor", ms=5000))
    assert record.changes == (
        Change(
            attribute="TIC101/SP",
            old="71.5",
            new="72.5",
            unit="degC",
            inferred=Interval(after=AT.format(1), before=AT.format(5)),
        ),
    )
    assert (record.action, record.source_sequence, record.actor.account) == (Action.UPDATE, "2", None)
    assert record.actor.kind is ActorKind.UNKNOWN
    assert record.occurred_at.text == str(BASE_MS + 5000)
    assert line.builder.gaps == []


def test_a_missing_count_is_a_gap_and_old_values_are_marked_until_they_are_told_again() -> None:
    line = Line()
    line.say("NBIRTH", told("a", "1"), told("b", "1"))
    line.say("NDATA", told("a", "2"), seq=1)
    line.say("NDATA", told("a", "5"), seq=4)
    (gap,) = line.builder.gaps
    assert gap.subject == "edge node g/line"
    assert gap.reason.startswith("2 messages are missing")
    assert gap.between == Interval(after=AT.format(2), before=AT.format(3))
    line.say("NDATA", told("a", "6"))
    line.say("NDATA", told("b", "2"))
    assert [(change.new, change.gap) for record in line_records(line)[1:] for change in record.changes] == [
        ("2", False),
        ("5", True),
        ("6", False),
        ("2", True),
    ]


def line_records(line: Line) -> list[Record]:
    return [submission.record for submission in line.batch.submissions]


def test_the_count_goes_from_255_to_0_and_a_birth_begins_it_anew() -> None:
    line = Line()
    line.say("NBIRTH")
    for seq in (1, 2):
        line.say("NDATA", told("a", str(seq)), seq=seq)
    line.listener._memory.node("g/line").seq = 254
    line.say("NDATA", told("a", "x"), seq=255)
    line.say("NDATA", told("a", "y"), seq=0)
    line.say("NBIRTH")
    line.say("NDATA", told("a", "z"))
    assert line.builder.gaps == []


def test_metrics_of_several_times_are_records_of_their_own_each_with_its_own_bytes() -> None:
    line = Line()
    line.say("NBIRTH", told("a", "0"), told("b", "0"))
    early, late = BASE_MS + 100, BASE_MS + 200
    records = line.say(
        "NDATA", told("a", "1", at=early), told("b", "1", at=late), told("a", "2", at=late, historical=True), ms=900
    )
    assert [record.occurred_at.text for record in records] == [str(early), str(late), str(late)]
    assert [[change.attribute for change in record.changes] for record in records] == [
        ["a"],
        ["b"],
        ["a", "a.Historical"],
    ]
    assert records[2].changes[0].old is msgspec.UNSET
    assert one(line.say("NDATA", told("a", "3"))).changes[0].old == "1", "a historical value is not the last one"
    originals = [submission.original for submission in line.batch.submissions[1:4]]
    parts = [msgspec.json.decode(one.data, type=Envelope).payload for one in originals if one is not None]
    assert [[one.string_value for one in read_payload(part).metrics] for part in parts] == [["1"], ["1"], ["2"]]


def test_a_rebirth_tells_only_what_changed_meanwhile_and_says_that_more_may_have() -> None:
    line = Line()
    line.say("NBIRTH", told("a", "1"), told("b", "1"))
    record = one(line.say("NBIRTH", told("a", "1"), told("b", "2"), told("c", "new")))
    changes = {change.attribute: change for change in record.changes}
    assert set(changes) == {"b", "c"}
    assert (changes["b"].old, changes["b"].new, changes["b"].gap) == ("1", "2", True)
    assert changes["c"].old is msgspec.UNSET


def test_a_command_is_told_by_nobody_and_changes_no_last_value() -> None:
    line = Line()
    line.say("NBIRTH", told("SP", "71"))
    payload = NCmd(timestamp=BASE_MS + 5000, metrics=(told("SP", "72"),)).encode(include_dtypes=True)
    record = one(line.hear("spBv1.0/g/NCMD/line", payload))
    assert (record.action, record.actor.account, record.actor.kind) == (Action.EXECUTE, None, ActorKind.UNKNOWN)
    assert (record.changes[0].old, record.changes[0].new) == (msgspec.UNSET, "72")
    assert one(line.say("NDATA", told("SP", "72"))).changes[0].old == "71"


def test_deaths_that_are_alike_are_two_and_dated_when_they_were_heard() -> None:
    line = Line()
    payload = NDeath(timestamp=BASE_MS, bd_seq_metric=told("bdSeq", 3, DataType.INT64)).encode()
    records = [one(line.hear("spBv1.0/g/NDEATH/line", payload)) for _ in range(2)]
    assert records[0].source_record_id != records[1].source_record_id
    assert [record.occurred_at.text for record in records] == [AT.format(1), AT.format(2)]
    assert [record.action for record in records] == [Action.STOP, Action.STOP]
    payload = DDeath(timestamp=BASE_MS + 7, seq=9).encode()
    record = one(line.hear("spBv1.0/g/DDEATH/line/reactor", payload))
    assert (record.action, record.object.id, record.occurred_at.text) == (
        Action.STOP,
        "g/line/reactor",
        str(BASE_MS + 7),
    )


@pytest.mark.parametrize(
    ("topic", "payload", "action"),
    [
        ("spBv1.0/STATE/scada-1", b'{"online":true,"timestamp":1795590600000}', Action.START),
        ("spBv1.0/STATE/scada-1", b'{"online":false,"timestamp":1795590600001}', Action.STOP),
        ("STATE/scada-1", b"ONLINE", Action.START),
        ("STATE/scada-1", b"OFFLINE", Action.STOP),
    ],
)
def test_the_state_of_a_host_is_a_start_or_stop(topic: str, payload: bytes, action: Action) -> None:
    record = one(Line().hear(topic, payload))
    assert (record.action, record.object.type, record.object.id) == (action, "host-application", "scada-1")


def test_a_batch_that_gives_way_to_another_ends_and_the_other_begins() -> None:
    line = Line(batch="g/line/reactor/Batch/Id = REACTOR-1")
    line.say("NBIRTH")
    records = line.say("DBIRTH", told("Batch/Id", "B-1"), told("SP", "7"), device="reactor")
    assert [record.action for record in records] == [Action.START, Action.START]
    records = line.say("DDATA", told("Batch/Id", "B-2"), told("SP", "8"), device="reactor")
    data, stop, start = records
    assert (data.action, len(data.changes)) == (Action.UPDATE, 2)
    assert (stop.action, start.action) == (Action.STOP, Action.START)
    assert [[(link.kind.value, link.id) for link in record.links] for record in (stop, start)] == [
        [("batch", "B-1"), ("equipment", "REACTOR-1")],
        [("batch", "B-2"), ("equipment", "REACTOR-1")],
    ]
    (last,) = [one for one in line.say("DDATA", told("Batch/Id", ""), device="reactor") if one.action is Action.STOP]
    assert last.links[0].id == "B-2"
    assert len({record.source_record_id for record in line_records(line)}) == len(line_records(line))


def test_only_the_metrics_that_were_asked_for_are_told_and_births_always() -> None:
    line = Line(metrics="*/SP, Mode")
    record = one(line.say("NBIRTH", told("TIC/SP", "1"), told("TIC/PV", "1"), told("Mode", "A")))
    assert [change.attribute for change in record.changes] == ["TIC/SP", "Mode"]
    assert line.say("NDATA", told("TIC/PV", "2")) == []
    assert [change.new for change in one(line.say("NDATA", told("TIC/PV", "3"), told("TIC/SP", "2"))).changes] == ["2"]
    assert line.builder.gaps == [], "what is not told is counted"


def test_what_no_birth_named_is_told_by_its_alias() -> None:
    line = Line()
    record = one(line.say("NDATA", told(None, -1, DataType.INT32, alias=9)))
    assert [(change.attribute, change.new) for change in record.changes] == [("alias 9", 2**32 - 1)]


def test_a_rebirth_is_asked_for_only_where_it_is_allowed_and_not_again_at_once() -> None:
    for allowed, expected in (("no", 0), ("yes", 1)):
        line = Line(rebirth=allowed)
        line.say("NDATA", told(None, "1", alias=9))
        asked = line.listener.outgoing()
        assert len(asked) == expected
        line.say("NDATA", told(None, "1", alias=9))
        assert line.listener.outgoing() == []
        if asked:
            topic, payload = asked[0]
            assert topic == "spBv1.0/g/NCMD/line"
            (wanted,) = read_payload(payload).metrics
            assert (wanted.name, wanted.datatype, wanted.boolean_value) == ("Node Control/Rebirth", 11, True)


def test_a_birth_of_very_many_metrics_is_told_in_records_that_a_ledger_can_hold() -> None:
    line = Line()
    records = line.say("NBIRTH", *(told(f"metric {at}", "x" * 90, alias=at) for at in range(5000)))
    assert sum(len(record.changes) for record in records) == 5000
    assert all(len(msgspec.json.encode(record)) < 500_000 for record in records)
    assert len({record.source_record_id for record in records}) == len(records)
    assert one(line.say("NDATA", told(None, "y", alias=4999))).changes[0].old == "x" * 90


def _stopped(line: Line, *, orderly: bool) -> tuple[Cursor, bytes | None]:
    """The last cursor and the last snapshot that the ledger has of a line."""
    saved: bytes | None = None
    if orderly:
        line.listener.closing()
    cursor = msgspec.json.decode(line.listener.cursor(Place(at=AT.format(30))), type=Cursor)
    saved = line.listener.snapshot()
    return cursor, saved


def test_after_an_orderly_end_old_values_are_known_and_marked_as_a_gap() -> None:
    line = Line()
    line.say("NBIRTH", told("a", "1", alias=3))
    line.say("NDATA", told(None, "2", alias=3))
    cursor, snapshot = _stopped(line, orderly=True)
    assert cursor.saved
    later = Line(cursor, snapshot)
    later.number, later.seq = 40, line.seq
    record = one(later.say("NDATA", told(None, "3", alias=3)))
    assert [(change.attribute, change.old, change.gap) for change in record.changes] == [("a", "2", True)]
    assert later.builder.gaps == [], "its count goes on"


def test_after_a_crash_an_old_value_that_may_be_outdated_is_not_told_and_the_count_goes_on() -> None:
    line = Line()
    line.say("NBIRTH", told("a", "1", alias=3))
    _, snapshot = _stopped(line, orderly=False)
    assert snapshot is not None, "a birth is kept at once"
    line.say("NDATA", told(None, "2", alias=3))
    cursor, unsaved = _stopped(line, orderly=False)
    assert unsaved is None
    assert not cursor.saved
    later = Line(cursor, snapshot)
    later.number = 40
    record = one(later.say("NDATA", told(None, "3", alias=3), seq=5))
    assert [(change.attribute, change.old, change.new) for change in record.changes] == [("a", msgspec.UNSET, "3")]
    assert [gap.reason.split()[0] for gap in later.builder.gaps] == ["3"]


def test_what_is_no_message_of_sparkplug_is_rejected_with_its_bytes_and_the_memory_stays() -> None:
    line = Line()
    line.say("NBIRTH", told("a", "1"))
    before = line.listener._memory.encode()
    for topic, payload in (
        ("spBv1.0/g/NDATA/line", b"\xff\xff"),
        ("spBv1.0/g/NDATA/line", b"\x12\x05ab"),
        ("spBv1.0/g/XDATA/line", b""),
        ("spAv1.0/g/NDATA/line", b""),
        ("spBv1.0/g/NDATA/line/device", b""),
    ):
        assert line.hear(topic, payload) == []
    assert len(line.batch.rejected) == 5
    assert line.listener._memory.encode() == before


def test_a_payload_is_cut_without_changing_a_byte() -> None:
    payload = NData(timestamp=BASE_MS, seq=7, metrics=(told("a", "1"), told("b", "2")))
    data = payload.encode(include_dtypes=True)
    fields = cut(data)
    assert fields.join(fields.metrics) == data
    assert [one.name for one in read_payload(fields.join(fields.metrics[1:])).metrics] == ["b"]
    with pytest.raises(SkippableRecord):
        cut(data[:-1])


def test_more_nodes_than_a_cursor_holds_need_several_sources() -> None:
    line = Line()
    for at in range(3000):
        line.listener._memory.node(f"group/a rather long name of an edge node {at}").seq = at % 256
    with pytest.raises(FatalSource, match="3000 edge nodes"):
        line.listener.cursor(Place(at=AT.format(1)))


@pytest.mark.parametrize("options", [{"rebirth": "maybe"}, {"equipment": "REACTOR-1"}, {"topics": "a#"}, {"url": "x"}])
def test_options_that_cannot_be_are_named(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        Line(**options)


def test_a_snapshot_that_cannot_be_read_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(FatalSource, match="snapshot"):
        read_memory(b"[]", "spb")
