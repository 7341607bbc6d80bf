"""What a run remembers of conditions and edits, so that nothing is told twice and nothing that goes is missed."""

import threading
from datetime import UTC, datetime

import msgspec
import pytest
from asyncua import ua

from collectors.ot.opcua_binary import FileTime
from collectors.ot.opcua_fields import FIELDS
from collectors.ot.opcua_heard import CaughtUp, EditSeen, EditsServed, EditsUnserved, EventSeen, Garbled, Standing
from collectors.ot.opcua_original import Envelope, NodeFacts, encode
from collectors.ot.opcua_record import Reader
from collectors.ot.opcua_run import Cursor, Run
from ledger.core.clock import SystemClock
from ledger.core.errors import FatalSource
from ledger.core.run import RunBatch, SourceState
from tests.support.opcua_pack import pack_event, pack_modification, pack_value

CLOCK = SystemClock()
NODE = NodeFacts(id="nsu=urn:plant;s=A", path="R1/A")
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
READER = Reader("dcs", {}, {}, frozenset())


def begin(after: RunBatch | None = None) -> Run:
    if after is None:
        return Run("dcs", CLOCK, READER, SourceState(source="dcs"), None)
    state = SourceState(source="dcs", cursor=after.cursor_to, snapshot=after.snapshot)
    assert after.cursor_to is not None
    return Run("dcs", CLOCK, READER, state, msgspec.json.decode(after.cursor_to, type=Cursor))


def alarm(identity: bytes, state: str, retained: bool = True) -> EventSeen:
    known = {"EventId": ua.Variant(identity), "Time": ua.Variant(NOON), "ConditionName": ua.Variant("HI")}
    data = pack_event([known.get(name, ua.Variant(None)) for name in FIELDS])
    envelope = Envelope(
        sort="event", data=encode(data), node=NODE, namespaces=(), kind="AlarmConditionType", fields=FIELDS
    )
    standing = Standing(condition="HI", state=state, retained=retained)
    return EventSeen(received_at=now(), time_us=1, envelope=envelope, standing=standing)


def edited(fingerprint: str, value_us: int) -> EditSeen:
    moment = FileTime.of(116_444_736_000_000_000 + value_us * 10)
    envelope = Envelope(
        sort="edit",
        data=encode(pack_value(ua.DataValue(ua.Variant(1.0), SourceTimestamp=moment))),
        node=NODE,
        namespaces=(),
        modification=encode(pack_modification(value_us, 1, "x")),
    )
    return EditSeen(received_at=now(), envelope=envelope, fingerprint=fingerprint, value_us=value_us)


def served(*fingerprints: str, since_us: int = 0) -> EditsServed:
    return EditsServed(node=NODE.id, path=NODE.path, since_us=since_us, fingerprints=frozenset(fingerprints))


def now() -> str:
    return "2026-11-25T12:00:00.000000Z"


def told(batch: RunBatch) -> list[str]:
    return [one.record.source_record_id for one in batch.submissions]


def test_a_condition_that_stands_as_it_was_told_is_not_told_again_whatever_its_event_id() -> None:
    run = begin()
    run.take(alarm(b"\x01", "active"))
    run.take(alarm(b"\x02", "active"))
    first = run.finish()
    assert told(first) == ["01"]
    again = begin(first)
    again.take(alarm(b"\x03", "active"))
    again.take(alarm(b"\x04", "acknowledged"))
    again.take(alarm(b"\x05", "active"))
    assert told(again.finish()) == ["04", "05"]


def test_a_condition_that_no_longer_counts_is_forgotten() -> None:
    run = begin()
    run.take(alarm(b"\x01", "active"))
    run.take(alarm(b"\x02", "clear", retained=False))
    batch = run.finish()
    assert told(batch) == ["01", "02"]
    again = begin(batch)
    again.take(alarm(b"\x03", "active"))
    assert told(again.finish()) == ["03"]


def test_edits_are_remembered_from_run_to_run_and_one_that_is_gone_is_a_gap() -> None:
    run = begin()
    for place, edit in enumerate("abc"):
        run.take(edited(edit, 1_000_000 * (place + 1)))
    run.take(served("a", "b", "c"))
    run.take(CaughtUp(kept=True))
    batch = run.finish()
    assert len(told(batch)) == 3
    again = begin(batch)
    assert set(again.known_edits[NODE.id]) == {"a", "b", "c"}
    again.take(served("c", since_us=1_500_000))
    after = again.finish()
    (gap,) = after.gaps
    assert gap.reason == "the server no longer gives 1 edits that it gave before", "a is too old to be given"
    assert set(begin(after).known_edits[NODE.id]) == {"c"}


def test_edits_that_are_not_served_are_a_gap_and_bytes_that_are_none_of_the_protocol_s_are_kept() -> None:
    run = begin()
    run.take(EditsUnserved(path=NODE.path, reason="no"))
    run.take(Garbled(received_at=now(), data=b"\xff", reason="odd"))
    batch = run.finish()
    assert [(gap.subject, gap.reason) for gap in batch.gaps] == [("edits of R1/A", "no")]
    assert [(one.data, one.reason) for one in batch.rejected] == [(b"\xff", "odd")]


def test_so_much_is_remembered_and_what_was_forgotten_is_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.ot.opcua_run._MOST_EDITS", 2)
    monkeypatch.setattr("collectors.ot.opcua_run._MOST_CONDITIONS", 2)
    run = begin()
    for place, edit in enumerate("abc"):
        run.take(edited(edit, 1_000_000 * (place + 1)))
        event = alarm(edit.encode(), edit)
        assert event.standing is not None
        run.take(msgspec.structs.replace(event, standing=msgspec.structs.replace(event.standing, condition=edit)))
    run.take(served("a", "b", "c"))
    batch = run.finish()
    assert set(begin(batch).known_edits[NODE.id]) == {"b", "c"}
    assert batch.snapshot is not None
    assert set(msgspec.json.decode(batch.snapshot)["conditions"]) == {"b", "c"}


def test_a_run_ends_once_it_is_told_to_and_nothing_waits() -> None:
    run, stop = begin(), threading.Event()
    assert not run.is_over(stop)
    stop.set()
    assert not run.is_over(stop), "it has not caught up"
    run.take(CaughtUp(kept=True))
    assert run.is_over(stop)


def test_a_snapshot_of_another_make_needs_a_person() -> None:
    with pytest.raises(FatalSource, match="snapshot"):
        Run("dcs", CLOCK, READER, SourceState(source="dcs", snapshot=b"{]"), None)
