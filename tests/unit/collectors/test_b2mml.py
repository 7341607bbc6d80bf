"""Messages in the documented shape of B2MML and BatchML, from a folder and over HTTP; what XML can do to a reader."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.it.b2mml import B2mml
from collectors.it.b2mml_xml import elements, parse, scan, values
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, ConfigError, FatalSource, RetriableSource, SkippableRecord
from ledger.core.record import Action, Outcome, Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.support.http_peer import Asked, HttpPeer, Reply
from tests.support.memory_sink import MemorySink

ONCE = Patience(attempts=1, first=0.01, longest=0.01)
NAMESPACE = "http://www.mesa.org/xml/B2MML"
RESPONSE = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- what the line reported -->
<b:OperationsResponse xmlns:b="{NAMESPACE}">
  <b:ID schemeID="mes">OR-1</b:ID>
  <b:Description>Filling of lot 7</b:Description>
  <b:OperationsRequestID>PO-4711</b:OperationsRequestID>
  <b:StartTime>2026-11-03T08:00:00+01:00</b:StartTime>
  <b:EndTime>2026-11-03T10:15:00+01:00</b:EndTime>
  <b:ResponseState>Aborted</b:ResponseState>
  <b:SegmentResponse>
    <b:ID>SEG-1</b:ID>
    <b:SegmentData><b:ID>pressure</b:ID>
      <b:Value><b:ValueString>1.50</b:ValueString><b:UnitOfMeasure>bar</b:UnitOfMeasure></b:Value></b:SegmentData>
    <b:PersonnelActual><b:PersonID>mh</b:PersonID><b:PersonID>kl</b:PersonID></b:PersonnelActual>
    <b:EquipmentActual><b:EquipmentID>FILLER-2</b:EquipmentID></b:EquipmentActual>
    <b:MaterialActual>
      <b:MaterialLotID>LOT-7</b:MaterialLotID>
      <b:Quantity><b:QuantityString>12.500</b:QuantityString><b:UnitOfMeasure>kg</b:UnitOfMeasure></b:Quantity>
    </b:MaterialActual>
  </b:SegmentResponse>
  <b:SegmentResponse><b:ID>SEG-2</b:ID>
    <b:MaterialActual><b:MaterialLotID>LOT-8</b:MaterialLotID></b:MaterialActual></b:SegmentResponse>
</b:OperationsResponse>
"""
EVENT = """<Event><EntryID>{number}</EntryID><ObjectType>Event</ObjectType>
<TimeStamp>2026-11-03T09:{number:02}:00Z</TimeStamp><Description>sensor drift</Description>
<EventType>Operator Action</EventType><EventSubType>setpoint</EventSubType><EquipmentID>REACTOR-1</EquipmentID>
<Value><ValueString>{number}.5</ValueString><UnitOfMeasure>Cel</UnitOfMeasure></Value>
<PreviousValue><ValueString>60.0</ValueString></PreviousValue>
<MessageText>Setpoint changed</MessageText><PersonID>mh</PersonID><ComputerID>HMI-3</ComputerID></Event>"""
SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{NAMESPACE}"
  xmlns="{NAMESPACE}" elementFormDefault="qualified">
  <xs:include schemaLocation="common.xsd"/>
  <xs:element name="OperationsResponse"><xs:complexType><xs:sequence>
    <xs:element name="ID" type="IdentifierType"/><xs:element name="EndTime" type="xs:dateTime"/>
  </xs:sequence></xs:complexType></xs:element></xs:schema>"""
COMMON = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{NAMESPACE}">
  <xs:simpleType name="IdentifierType"><xs:restriction base="xs:string"><xs:minLength value="1"/></xs:restriction>
  </xs:simpleType></xs:schema>"""


def batch_record(count: int) -> str:
    events = "".join(EVENT.format(number=number) for number in range(1, count + 1))
    return (
        f'<BatchProductionRecord xmlns="{NAMESPACE}-V0600"><ID>BPR-9</ID><BatchID>B-2026-7</BatchID>'
        f"<Events>{events}</Events></BatchProductionRecord>"
    )


class World:
    """A source of messages, and what it has told."""

    def __init__(self, folder: Path, name: str = "b2mml-operations-response", **options: str) -> None:
        self.folder = folder / "messages"
        self.folder.mkdir()
        self.sink = MemorySink("mes")
        self.options = options if "url" in options else {"folder": str(self.folder), "settle": "0", **options}
        self.mapping = template(name).text

    def source(self) -> B2mml:
        config = SourceConfig(id="mes", type="b2mml", title="MES", options=self.options, mapping=self.mapping)
        return B2mml(config, {}, SystemClock())

    def leave(self, name: str, text: str | bytes, old: bool = True) -> None:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        if old:
            os.utime(path, (1_700_000_000, 1_700_000_000))

    def pull(self) -> list[Record]:
        before = len(self.sink.records)
        Runner(self.source(), self.sink, SystemClock(), patience=ONCE).pull()
        return self.sink.records[before:]


def changes(record: Record) -> dict[str, tuple[object, object, str | None]]:
    return {change.attribute: (change.old, change.new, change.unit) for change in record.changes}


def test_an_operations_response_says_what_was_done_with_what_and_names_nobody_where_two_were_there(
    tmp_path: Path,
) -> None:
    there = World(tmp_path)
    there.leave("or-1.xml", RESPONSE)
    (record,) = there.pull()
    assert (record.action, record.outcome, record.object.id, record.object.name) == (
        Action.EXECUTE,
        Outcome.FAILURE,
        "OR-1",
        "Filling of lot 7",
    )
    assert record.occurred_at.text == "2026-11-03T10:15:00+01:00"
    assert record.actor.account is None
    assert changes(record)["LOT-7"] == (msgspec.UNSET, "12.500", "kg")
    assert changes(record)["pressure"] == (msgspec.UNSET, "1.50", "bar")
    assert [(str(link.kind), link.id) for link in record.links] == [
        ("order", "PO-4711"),
        ("lot", "LOT-7"),
        ("lot", "LOT-8"),
        ("equipment", "FILLER-2"),
        ("person", "mh"),
        ("person", "kl"),
    ]
    original = there.sink.submissions[0].original
    assert original is not None
    cut = json.loads(original.data)["text"]
    assert cut in RESPONSE
    assert cut.startswith("<b:OperationsResponse")
    assert there.pull() == []


@pytest.mark.tested(
    system=SystemClass.MES,
    source="BatchML batch production records",
    type="b2mml",
    against="messages of the documented shape, from a folder; not a product",
    holds="events: who, when, equipment, old and new value, message, batch",
)
def test_each_event_of_a_batch_record_is_a_record_with_old_and_new_value_and_the_batch_above_it(tmp_path: Path) -> None:
    there = World(tmp_path, "batchml-event")
    there.leave("bpr.xml", batch_record(3))
    records = there.pull()
    assert [record.source_record_id for record in records] == ["BPR-9/1", "BPR-9/2", "BPR-9/3"]
    first = records[0]
    assert (first.action, first.actor.account, first.actor.workstation) == (Action.UPDATE, "mh", "HMI-3")
    assert (first.object.id, first.reason) == ("REACTOR-1", "sensor drift")
    assert changes(first)["setpoint"] == ("60.0", "1.5", "Cel")
    assert ("batch", "B-2026-7") in [(str(link.kind), link.id) for link in first.links]


def test_killed_in_the_middle_of_a_message_it_goes_on_with_the_next_item(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.it.b2mml_look._BATCH_BYTES", 3_000)
    there = World(tmp_path, "batchml-event")
    there.leave("bpr.xml", batch_record(20))
    taken = 0

    def die(_: RunBatch) -> None:
        nonlocal taken
        taken += 1
        if taken % 3 == 0:
            raise AccessDenied("killed")

    there.sink.on_taken = die
    for _ in range(10):
        try:
            there.pull()
        except AccessDenied:
            continue
    assert [record.source_record_id for record in there.sink.records] == [f"BPR-9/{n}" for n in range(1, 21)]
    assert there.sink.duplicates == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>', "document type"),
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "document type"),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>', "document type"),
        ("<x>" * 200 + "</x>" * 200, "100 in each other"),
        ("<x><y></x>", "not well-formed"),
        ("<x>&undefined;</x>", "not well-formed"),
        ("<p:x/>", "not XML"),
        ("<OperationsResponse xmlns='http://elsewhere.example/'/>", "not one that is taken"),
        ('<?xml version="1.0" encoding="UTF-7"?><x/>', "encoding"),
        ("<x/>".encode("utf-16"), "UTF-16"),
        (b"<x>\xff</x>", "not well-formed"),
        (b"", "not well-formed"),
    ],
)
def test_what_is_not_taken_is_rejected_once_with_its_bytes_and_the_reason(
    tmp_path: Path, text: str | bytes, reason: str
) -> None:
    there = World(tmp_path)
    there.leave("bad.xml", text)
    there.leave("good.xml", RESPONSE)
    assert len(there.pull()) == 1
    (rejected,) = there.sink.rejected
    assert reason in rejected.reason
    assert rejected.data == (text.encode() if isinstance(text, str) else text)
    there.pull()
    assert len(there.sink.rejected) == 1


def test_a_message_that_is_too_long_is_rejected_with_its_beginning(tmp_path: Path) -> None:
    there = World(tmp_path, max_bytes="500")
    there.leave("long.xml", RESPONSE)
    there.pull()
    assert there.sink.rejected[0].data == RESPONSE.encode()[:500]


def test_a_message_in_another_encoding_is_read_in_it(tmp_path: Path) -> None:
    there = World(tmp_path)
    there.leave("latin.xml", RESPONSE.replace("UTF-8", "ISO-8859-1").replace("Filling", "Fülling").encode("latin-1"))
    (record,) = there.pull()
    assert record.object.name == "Fülling of lot 7"


def test_messages_are_held_against_a_site_s_schemas(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "operations.xsd").write_text(SCHEMA)
    (schemas / "common.xsd").write_text(COMMON)
    there = World(tmp_path, schemas=str(schemas))
    head = f'<OperationsResponse xmlns="{NAMESPACE}"><ID>'
    there.leave("a.xml", f"{head}A</ID><EndTime>2026-11-03T10:15:00Z</EndTime></OperationsResponse>")
    there.leave("b.xml", f"{head}B</ID><EndTime>yesterday</EndTime></OperationsResponse>")
    there.leave("c.xml", f'<OperationsPerformance xmlns="{NAMESPACE}"/>')
    assert [record.object.id for record in there.pull()] == ["A"]
    reasons = sorted(rejected.reason for rejected in there.sink.rejected)
    assert "not as the schema operations.xsd says" in reasons[0]
    assert "no schema knows the message" in reasons[1]
    assert "the schemas know 1 of them" in str(there.source().check())
    with pytest.raises(ConfigError):
        World(tmp_path / "schemas", schemas=str(tmp_path / "messages")).source()


class Server:
    """Answers with a list and messages."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.listed: Any = None

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != "Bearer of-Tests-17":
            return Reply(status=401)
        if asked.path == "/mes/list":
            body = self.listed if isinstance(self.listed, str) else json.dumps(self.listed or list(self.messages))
            return Reply(body=body.encode(), headers={"Content-Type": "application/json"})
        text = self.messages.get(asked.path.rpartition("/")[2])
        return Reply(status=404) if text is None else Reply(body=text.encode())


def over_http(folder: Path, url: str, token: str = "of-Tests-17") -> tuple[World, B2mml]:
    there = World(folder, url=f"{url}mes", list="list", auth="bearer")
    config = SourceConfig(id="mes", type="b2mml", title="MES", options=there.options, mapping=there.mapping)
    return there, B2mml(config, {"password": token}, SystemClock())


def test_messages_behind_a_list_of_links_are_fetched_once_and_the_server_s_clock_is_measured(tmp_path: Path) -> None:
    server = Server()
    with HttpPeer(server) as peer:
        there, source = over_http(tmp_path, peer.url)
        server.messages = {"1.xml": RESPONSE, "2.xml": RESPONSE.replace("OR-1", "OR-2")}
        report = source.check()
        assert report.ok, report
        assert report.clock is not None
        for expected in (["OR-1", "OR-2"], []):
            before = len(there.sink.records)
            Runner(source, there.sink, SystemClock(), patience=ONCE).pull()
            assert [record.object.id for record in there.sink.records[before:]] == expected
        assert [asked.path for asked in peer.asked].count("/mes/1.xml") == 1
        assert there.sink.runs[-1].clock is not None
        server.messages["3.xml"] = RESPONSE.replace("OR-1", "OR-3")
        server.listed = "# new\n2.xml\ngone.xml\n3.xml\n"
        with pytest.raises(RetriableSource, match=r"gone\.xml"):
            Runner(source, there.sink, SystemClock(), patience=ONCE).pull()
        assert there.sink.records[-1].object.id == "OR-3"
        server.listed = ["http://elsewhere.example/x.xml"]
        with pytest.raises(FatalSource, match="another server"):
            Runner(source, there.sink, SystemClock(), patience=ONCE).pull()
        server.listed = RESPONSE.replace("OR-1", "OR-4")
        for _ in range(2):
            Runner(source, there.sink, SystemClock(), patience=ONCE).pull()
        assert [record.object.id for record in there.sink.records] == ["OR-1", "OR-2", "OR-3", "OR-4"]


def test_a_refused_token_needs_a_person_and_is_never_shown(tmp_path: Path) -> None:
    with HttpPeer(Server()) as peer:
        there, source = over_http(tmp_path, peer.url, token="wrong-Secret-17")
        with pytest.raises(FatalSource) as caught:
            Runner(source, there.sink, SystemClock(), patience=ONCE).pull()
        assert "wrong-Secret-17" not in str((caught.value.message, caught.value.advice, source.check()))


def test_values_have_texts_lists_and_attributes_as_said() -> None:
    root = parse(b'<a x="1"><b y="2">t<!-- c -->u</b><b>v</b><c z="3"><d/></c><?run x?></a>')
    assert values(root) == {"@x": "1", "b": ["tu", "v"], "b@y": "2", "c": {"@z": "3", "d": ""}}
    assert values(parse(b'<a x="1">t</a>')) == {"@x": "1", "#text": "t"}
    assert [element.text for element in elements(parse(b"<a><e>1</e><b><e>2</e></b><e>3</e></a>"), ("e",))] == [
        "1",
        "2",
        "3",
    ]


def test_items_are_cut_at_their_very_bytes() -> None:
    data = b'<a xmlns="u"><e/><p:e xmlns:p="v" k=">">&gt;</p:e  ><b><e><e>in</e></e></b></a>'
    found = [data[part.start : part.end] for part in scan(data, ("e",)).parts]
    assert found == [b"<e/>", b'<p:e xmlns:p="v" k=">">&gt;</p:e  >', b"<e><e>in</e></e>"]
    with pytest.raises(SkippableRecord):
        parse(b"<e/><e/>", "utf-8", {})
    with pytest.raises(SkippableRecord):
        parse(b"</scope><scope><e/>", "utf-8", {})


def test_what_cannot_be_configured_is_refused(tmp_path: Path) -> None:
    options: list[dict[str, str]] = [{"url": "https://mes.example/"}, {"namespace": "("}, {"schemas": str(tmp_path)}]
    for number, one in enumerate(options):
        (tmp_path / str(number)).mkdir()
        there = World(tmp_path / str(number))
        there.options = {**there.options, **one}
        with pytest.raises(ConfigError):
            there.source()
