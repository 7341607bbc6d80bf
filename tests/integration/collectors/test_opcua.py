"""The OPC UA collector against real servers: broken connections, servers without auditing or history, security."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import pytest
from asyncua import ua
from asyncua.common.node import Node
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.server.server import Server
from asyncua.ua.object_ids import ObjectIds
from cryptography.x509.oid import ExtendedKeyUsageOID

from collectors.demo.opcua import OpcUaServer
from collectors.demo.process import free_port
from collectors.ot.opcua_nodes import standard_id
from ledger.core.clock import parse_utc
from ledger.core.errors import FatalSource
from ledger.core.record import Action, ActorKind, Record
from ledger.core.run import SourceFacts
from tests.integration.collectors.following import Following, wait_for
from tests.integration.collectors.opcua_work import collector, pull
from tests.integration.collectors.opcua_work import write as write_as
from tests.support.cable import Cable
from tests.support.memory_sink import MemorySink

T = TypeVar("T")
SPACE = "urn:plain.example:plc"
OVERFLOW = 0x0480
"""Bits of a good StatusCode: values were lost before this one (Part 4, 7.39.1)."""


class PlainServer:
    """A server of a sort that is common in plants: no auditing, no history; its own logic sets the batch."""

    def __init__(self, folder: Path | None = None) -> None:
        self.port = free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}/"
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="plain-server")
        self._batch: Node | None = None
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._run(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set_batch(self, batch: str, status: int = 0) -> None:
        """As the controller's own program does: no client writes, so nobody could audit it."""
        assert self._batch is not None
        self._run(self._batch.write_value(ua.DataValue(ua.Variant(batch), ua.StatusCode(ua.UInt32(status)))))

    def set_up(self, auditing: bool, writable: bool) -> None:
        """As somebody at the server's configuration."""
        assert self._server is not None
        assert self._batch is not None
        self._run(self._server.get_node(standard_id(ObjectIds.Server_Auditing)).write_value(auditing))
        self._run(self._batch.set_writable(writable))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> None:
        server = Server()
        await server.init()
        server.set_endpoint(self.url)
        if self._folder is None:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        else:
            await server.set_application_uri("urn:plain.example:server")
            await make_certificate(self._folder, "server", "urn:plain.example:server")
            server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
            await server.load_certificate(str(self._folder / "server.der"))
            await server.load_private_key(str(self._folder / "server.pem"))
        index = await server.register_namespace(SPACE)
        unit = await server.nodes.objects.add_object(index, "MIXER-3")
        self._batch = await unit.add_variable(ua.NodeId(ua.String("B"), ua.Int16(index)), "BatchId", "")
        kept = await unit.add_variable(ua.NodeId(ua.String("L"), ua.Int16(index)), "Level", 1.5)
        await server.start()
        await server.historize_node_data_change(kept, period=timedelta(days=1))
        self._server = server


async def make_certificate(folder: Path, name: str, uri: str) -> None:
    await setup_self_signed_certificate(
        folder / f"{name}.pem",
        folder / f"{name}.der",
        uri,
        "localhost",
        [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH],
        {"commonName": name},
    )


@pytest.fixture(scope="module")
def started() -> Iterator[PlainServer]:
    with PlainServer() as server:
        yield server


@pytest.fixture
def plain(started: PlainServer) -> PlainServer:
    started.set_batch("")
    return started


@pytest.fixture(scope="module")
def dcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaServer]:
    with OpcUaServer(tmp_path_factory.mktemp("dcs")) as server:
        yield server


def write(server: OpcUaServer, tag: str, value: float | str) -> None:
    asyncio.run(write_as(server, "operator1", tag, value))


def values(sink: MemorySink, path: str) -> list[object]:
    return [record.changes[0].new for record in sink.records if record.object.name == path]


def turns(sink: MemorySink) -> list[tuple[Action, str]]:
    return [
        (record.action, record.links[0].id) for record in sink.records if record.action in {Action.START, Action.STOP}
    ]


def test_a_pulled_cable_loses_nothing_doubles_nothing_and_is_on_record(dcs: OpcUaServer) -> None:
    port = urlsplit(dcs.endpoint).port
    assert port is not None
    sink, path = MemorySink("dcs"), "BUFFER-2/LIC301/SP"
    with Cable(port) as cable:
        url = f"opc.tcp://127.0.0.1:{cable.port}/"
        with Following(collector(dcs.passwords["collector"], url=url, user="collector"), sink):
            wait_for(lambda: bool(sink.runs))
            write(dcs, "BUFFER-2.LIC301.SP", 51.0)
            wait_for(lambda: "51.0" in values(sink, path))
            cable.pull()
            write(dcs, "BUFFER-2.LIC301.SP", 52.0)
            time.sleep(0.5)
            cable.plug()
            wait_for(lambda: "52.0" in values(sink, path))
            write(dcs, "BUFFER-2.LIC301.SP", 53.0)
            wait_for(lambda: "53.0" in values(sink, path))
    assert values(sink, path) == ["51.0", "52.0", "53.0"]
    assert sink.changed == []
    assert sum(len(run.unreachable) for run in sink.runs) == 1
    assert sink.gaps == [], "the server keeps its events"


def test_a_batch_that_the_controller_sets_itself_starts_and_stops_by_someone_unknown(plain: PlainServer) -> None:
    sink = MemorySink("dcs")
    with Following(collector(url=plain.url, batch="MIXER-3/BatchId = MIXER-3"), sink):
        wait_for(lambda: bool(sink.runs))
        time.sleep(1.5)
        for batch in ("B-1", "B-2", ""):
            plain.set_batch(batch)
            time.sleep(0.3)
        wait_for(lambda: len(turns(sink)) == 4)
    assert turns(sink) == [
        (Action.START, "B-1"),
        (Action.STOP, "B-1"),
        (Action.START, "B-2"),
        (Action.STOP, "B-2"),
    ]
    changes: list[Record] = [record for record in sink.records if record.source_record_id.startswith("value:")]
    assert {record.actor.kind for record in changes} == {ActorKind.UNKNOWN}
    assert not any(record.changes[0].gap for record in changes)


def test_values_that_the_server_could_not_keep_for_us_are_a_gap(plain: PlainServer) -> None:
    sink = MemorySink("dcs")
    with Following(collector(url=plain.url, batch="MIXER-3/BatchId = MIXER-3"), sink):
        wait_for(lambda: bool(sink.runs))
        plain.set_batch("B-1")
        time.sleep(0.3)
        plain.set_batch("", OVERFLOW)
        wait_for(lambda: len(turns(sink)) == 2)
    first, second = [record.changes for record in sink.records if record.source_record_id.startswith("value:")]
    assert (first[0].gap, second[0].gap) == (False, True)
    assert len(second) == 1, "that is no other status of the value"
    assert [gap.subject for gap in sink.gaps] == ["values of MIXER-3/BatchId"]


def test_the_shortest_look_sees_where_a_batch_stands_and_the_next_one_that_it_changed(plain: PlainServer) -> None:
    sink = MemorySink("dcs")
    for batch in ("B-1", "B-2"):
        plain.set_batch(batch)
        pull(collector(url=plain.url, batch="MIXER-3/BatchId = MIXER-3"), sink, 0.0)
    assert turns(sink) == [(Action.STOP, "B-1"), (Action.START, "B-2")]


def test_a_server_without_history_leaves_a_stated_gap_for_the_time_nobody_listened(plain: PlainServer) -> None:
    sink, one = MemorySink("dcs"), collector(url=plain.url, batch="MIXER-3/BatchId = MIXER-3")
    pull(one, sink, 1.5)
    assert sink.gaps == [], "before the first run nothing was promised"
    until = sink.runs[-1].ended_at
    plain.set_batch("B-7")
    plain.set_batch("B-8")
    pull(collector(url=plain.url, batch="MIXER-3/BatchId = MIXER-3"), sink, 1.5)
    assert turns(sink) == [(Action.START, "B-8")]
    (record,) = [record for record in sink.records if record.action is Action.START]
    assert record.changes[0].gap
    events, batch = sink.gaps
    assert (events.subject, batch.subject) == ("events", "values of MIXER-3/BatchId")
    for gap in (events, batch):
        assert abs(parse_utc(gap.between.after) - parse_utc(until)) < 100_000, "from the last contact on"


def test_a_server_that_does_not_audit_is_told_so_before_it_is_relied_on(plain: PlainServer) -> None:
    report = collector(url=plain.url, values="MIXER-3/BatchId, MIXER-3/Nothing").check()
    found = {check.name: check for check in report.checks}
    assert not report.ok
    assert found["session"].ok
    assert found["node MIXER-3/BatchId"].ok
    assert not found["auditing"].ok
    assert "Nothing" in found["node MIXER-3/Nothing"].says
    assert all(check.advice for check in report.checks if not check.ok)


def test_a_raw_history_given_for_edits_is_no_edits(plain: PlainServer) -> None:
    histories = "MIXER-3/Level, MIXER-3/BatchId"
    found = {check.name: check for check in collector(url=plain.url, history=histories).check().checks}
    assert not found["edits of MIXER-3/Level"].ok
    assert "without saying who edited them" in found["edits of MIXER-3/Level"].says
    assert not found["edits of MIXER-3/BatchId"].ok
    assert "keeps no history" in found["edits of MIXER-3/BatchId"].says
    sink = MemorySink("dcs")
    pull(collector(url=plain.url, history=histories), sink, 0.0)
    assert sink.records == []
    assert [gap.subject for gap in sink.gaps] == ["edits of MIXER-3/Level", "edits of MIXER-3/BatchId"]


def test_a_server_says_that_auditing_was_switched_and_that_a_node_was_set_up_otherwise(plain: PlainServer) -> None:
    def told() -> SourceFacts:
        sink = MemorySink("dcs")
        pull(collector(url=plain.url, values="MIXER-3/BatchId", history="MIXER-3/Level"), sink)
        (found,) = [run.facts for run in sink.runs if run.facts is not None]
        return found

    assert told().audit_trail == "event history not kept", "whether it audits it does not say"
    plain.set_up(auditing=False, writable=False)
    before = told()
    assert before.version is not None
    assert before.audit_trail == "auditing off, event history not kept"
    plain.set_up(auditing=True, writable=False)
    switched = SourceFacts(
        version=before.version, schema=before.schema, audit_trail="auditing on, event history not kept"
    )
    assert told() == switched
    plain.set_up(auditing=True, writable=True)
    other = told()
    assert (other.version, other.audit_trail) == (switched.version, switched.audit_trail)
    assert other.schema != before.schema
    plain.set_up(auditing=False, writable=False)
    assert told() == before


def test_a_watched_node_that_is_not_there_needs_a_person(plain: PlainServer) -> None:
    with pytest.raises(FatalSource, match="MIXER-3/Nothing"):
        pull(collector(url=plain.url, values="MIXER-3/Nothing"), MemorySink("dcs"))


def test_a_signed_and_encrypted_session_collects_and_a_wrong_key_does_not(tmp_path: Path) -> None:
    asyncio.run(make_certificate(tmp_path, "client", "urn:trailseal:collector"))
    security = f"Basic256Sha256,SignAndEncrypt,{tmp_path / 'client.der'},{tmp_path / 'client.pem'}"
    with PlainServer(tmp_path) as server:
        secure = collector(url=server.url, batch="MIXER-3/BatchId = MIXER-3", security=security)
        sink = MemorySink("dcs")
        pull(secure, sink, 1.5)
        server.set_batch("B-1")
        pull(secure, sink, 1.5)
        assert turns(sink) == [(Action.START, "B-1")]
        assert not collector(url=server.url, batch="MIXER-3/BatchId = MIXER-3").check().ok


def test_a_password_is_not_sent_as_plain_text_unless_that_is_wanted(plain: PlainServer) -> None:
    with pytest.raises(FatalSource, match="plain text") as caught:
        pull(collector("Secret-17", url=plain.url, user="operator1"), MemorySink("dcs"))
    assert "operator1" in caught.value.message
    assert "Secret-17" not in str(caught.value)
    assert not collector("Secret-17", url=plain.url, user="operator1").check().ok
    report = collector("Secret-17", url=plain.url, user="operator1", plain_password="yes").check()
    assert report.checks[0].ok, "this server lets everybody in"
