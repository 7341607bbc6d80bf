"""Whatever a server sends, the OPC UA collector neither hangs nor grows nor ends for good; it keeps what it refused."""

import asyncio
import random
import resource
import struct
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from asyncua.ua.object_ids import ObjectIds

from collectors.base import Collector
from collectors.demo.opcua import OpcUaServer
from collectors.ot.opcua_bounds import KEPT
from collectors.runner import Patience, Runner
from ledger.core.errors import CollectorError, RetriableSource
from ledger.core.record import Action
from tests.integration.collectors.following import Following, wait_for
from tests.integration.collectors.opcua_work import CLOCK, collector, write
from tests.support.memory_sink import MemorySink
from tests.support.opcua_relay import Relay, kind_of
from tests.support.sampled import WHOLE
from tests.support.seeds import SEED

ONCE = Patience(attempts=1, first=0.05, longest=0.05)
READ = ObjectIds.ReadResponse_Encoding_DefaultBinary
BROWSE = ObjectIds.BrowseResponse_Encoding_DefaultBinary
PUBLISH = ObjectIds.PublishResponse_Encoding_DefaultBinary
HISTORY = ObjectIds.HistoryReadResponse_Encoding_DefaultBinary
HEADER = 4 + 24
"""Bytes of an answer up to its own content: what it is, and a header without anything that can be left out."""
MANY = b"\xff\xff\xff\x7f"
ENDLESS = b"\x80" + MANY
"""A Variant: an array of 2,147,483,647 nulls, which take no bytes."""
BACKWARDS = b"\x8c" + MANY + b"\xfb\xff\xff\xff" * 4
"""A Variant: as many texts of length -5, each of which goes back to be read again."""
NESTED = b"\x98\x01\x00\x00\x00" * 8_000 + b"\x00"
"""A Variant in a Variant, 8,000 deep."""


@pytest.fixture(scope="module")
def dcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaServer]:
    with OpcUaServer(tmp_path_factory.mktemp("dcs")) as server:
        yield server


@pytest.fixture
def relay(dcs: OpcUaServer) -> Iterator[Relay]:
    port = urlsplit(dcs.endpoint).port
    assert port is not None
    with Relay(port) as between:
        yield between


def through(relay: Relay, dcs: OpcUaServer) -> Collector:
    options = {"url": f"opc.tcp://127.0.0.1:{relay.port}/", "user": "collector", "values": "REACTOR-1/TIC101/Mode"}
    return collector(dcs.passwords["collector"], **options)


def pull(relay: Relay, dcs: OpcUaServer, sink: MemorySink, seconds: float = 0.0) -> None:
    Runner(through(relay, dcs), sink, CLOCK, patience=ONCE).pull(listen_seconds=seconds)


def refused(relay: Relay, dcs: OpcUaServer, seconds: float = 5.0) -> tuple[MemorySink, RetriableSource]:
    """What a session comes to that must end within some seconds and little memory."""
    sink = MemorySink("dcs")
    before, began = _memory(), time.monotonic()
    with pytest.raises(RetriableSource) as caught:
        pull(relay, dcs, sink, 3.0)
    assert time.monotonic() - began < 4 * seconds
    assert _memory() - before < 400
    return sink, caught.value


def _memory() -> float:
    """The most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("variant", [ENDLESS, BACKWARDS, NESTED], ids=["endless", "backwards", "nested"])
@pytest.mark.parametrize("kind", [READ, PUBLISH, HISTORY], ids=["read", "publish", "history"])
def test_a_value_that_claims_more_than_it_has_ends_the_session_or_is_quarantined(
    relay: Relay, dcs: OpcUaServer, kind: int, variant: bytes
) -> None:
    event = struct.pack("<i", 1) + variant
    listed = struct.pack("<i", 1) + (struct.pack("<I", 0) if kind == PUBLISH else b"") + event
    listing = ObjectIds.EventNotificationList_Encoding_DefaultBinary
    body_kind = listing if kind == PUBLISH else ObjectIds.HistoryEvent_Encoding_DefaultBinary
    held = b"\x01\x00" + struct.pack("<HBi", body_kind, 1, len(listed)) + listed
    content = {
        READ: struct.pack("<i", 1) + b"\x01" + variant,
        PUBLISH: struct.pack("<IiBIqi", 1, 0, 0, 1, 0, 1) + held + MANY,
        HISTORY: struct.pack("<iIi", 1, 0, -1) + held + b"\xff\xff\xff\xff",
    }[kind]
    changed: list[bytes] = []

    def change(body: bytes) -> bytes:
        if kind_of(body) != kind or changed:
            return body
        if kind == PUBLISH:
            content_at = struct.unpack("<I", body[HEADER : HEADER + 4])[0]
            told = struct.pack("<I", content_at) + content[4:]
        else:
            told = content
        changed.append(told)
        return body[:HEADER] + told

    sink = MemorySink("dcs")
    relay.change_body = change
    before, began = _memory(), time.monotonic()
    ended: list[RetriableSource] = []
    try:
        pull(relay, dcs, sink, 1.0 if kind == PUBLISH else 0.0)
    except RetriableSource as error:
        ended.append(error)
    assert changed, "it was sent"
    assert time.monotonic() - began < 20
    assert _memory() - before < 400
    kept = [one for one in sink.rejected if variant[:40] in one.data]
    assert kept, (sink.rejected, ended)
    assert all(len(one.data) <= 4 * KEPT for one in sink.rejected)
    relay.honest()
    pull(relay, dcs, sink)
    assert sink.records


def test_a_chunk_of_four_gigabytes_is_not_waited_for(relay: Relay, dcs: OpcUaServer) -> None:
    relay.change_chunk = lambda chunk: chunk if chunk[:3] != b"MSG" else chunk[:4] + b"\xff\xff\xff\xff" + chunk[8:]
    _, error = refused(relay, dcs)
    assert "4,294,967,295 bytes" in error.message
    assert error.advice


def test_the_server_does_not_set_our_limits(relay: Relay, dcs: OpcUaServer) -> None:
    def change(chunk: bytes) -> bytes:
        if chunk[:3] == b"ACK":
            return chunk[:12] + MANY * 4
        if chunk[:4] == b"MSGF":
            return chunk[:4] + struct.pack("<I", len(chunk) + 1_000_000) + chunk[8:] + bytes(1_000_000)
        return chunk

    relay.change_chunk = change
    _, error = refused(relay, dcs)
    assert "bytes" in error.message


def test_a_message_without_end_is_cut_off(relay: Relay, dcs: OpcUaServer) -> None:
    def change(chunk: bytes) -> bytes:
        if chunk[:4] != b"MSGF":
            return chunk
        number = struct.unpack("<I", chunk[16:20])[0]
        part = bytes(60_000)
        head = b"MSGC" + struct.pack("<I", 24 + len(part)) + chunk[8:16]
        return b"".join(head + struct.pack("<I", number + count) + chunk[20:24] + part for count in range(400))

    relay.change_chunk = change
    refused(relay, dcs)


def test_a_server_that_says_nothing_is_given_up(
    relay: Relay, dcs: OpcUaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.ot.opcua_connect._TIMEOUT", 0.5)
    relay.change_chunk = lambda chunk: chunk if chunk[:3] != b"MSG" else b""
    refused(relay, dcs)


def test_what_is_unreadable_of_a_history_is_kept_and_the_rest_is_read(relay: Relay, dcs: OpcUaServer) -> None:
    whole = MemorySink("dcs")
    pull(relay, dcs, whole)
    assert len(whole.records) > 10

    def change(body: bytes) -> bytes:
        return body[: len(body) // 2] + b"\xee" * (len(body) - len(body) // 2) if kind_of(body) == HISTORY else body

    relay.change_body = change
    sink = MemorySink("dcs")
    pull(relay, dcs, sink)
    assert sink.rejected
    assert len(sink.records) > 0


def test_events_that_the_server_could_not_keep_for_us_are_read_from_its_history(relay: Relay, dcs: OpcUaServer) -> None:
    written, overflow = (
        b"\x11\x01\x00" + struct.pack("<H", kind)
        for kind in (ObjectIds.AuditWriteUpdateEventType, ObjectIds.EventQueueOverflowEventType)
    )
    relay.change_body = lambda body: body.replace(written, overflow) if kind_of(body) == PUBLISH else body
    sink = MemorySink("dcs")
    with Following(through(relay, dcs), sink):
        wait_for(lambda: bool(sink.runs))
        asyncio.run(write(dcs, "operator1", "BUFFER-2.LIC301.SP", 61.5))
        wait_for(lambda: any(record.action is Action.UPDATE for record in sink.records))
    (record,) = [record for record in sink.records if record.action is Action.UPDATE]
    assert (record.actor.account, record.changes[0].new) == ("operator1", "61.5")
    assert any(run.unreachable for run in sink.runs), "the session began anew"
    assert sink.gaps == []


@pytest.mark.parametrize("number", range(40 if WHOLE else 4))
def test_a_session_with_a_changed_byte_ends_in_words_or_goes_on(
    relay: Relay, dcs: OpcUaServer, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.ot.opcua_connect._TIMEOUT", 2.0)
    chance = random.Random(SEED + number)
    share = chance.choice([0.02, 0.1, 0.3])

    def change(body: bytes) -> bytes:
        if chance.random() > share:
            return body
        place = chance.randrange(len(body))
        return body[:place] + chance.randbytes(chance.randrange(1, 5)) + body[place + chance.randrange(5) :]

    relay.change_body = change
    sink = MemorySink("dcs")
    began, ended = time.monotonic(), None
    try:
        pull(relay, dcs, sink, 0.3)
    except CollectorError as error:
        ended = error
    assert ended is None or (ended.message and ended.advice)
    assert time.monotonic() - began < 30
    relay.honest()
    pull(relay, dcs, MemorySink("dcs"))
