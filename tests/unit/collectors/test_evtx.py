"""Windows event logs: each event once in the order of its number, what is missing is said, damage never ends a run."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.infra.evtx import Evtx, event_item
from collectors.infra.evtx_log import chunks, records
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Action, Outcome, Record
from ledger.core.source import SourceConfig
from tests.support.evtx_writer import CHUNK, Event, log_bytes, write_log
from tests.support.memory_sink import MemorySink

START = datetime(2026, 11, 25, 7, 0, 0, 123456, tzinfo=UTC)


def event(record: int, kind: int = 4688, **data: str) -> Event:
    given = {"SubjectUserName": "operator1", "NewProcessName": f"process {record}"} | data
    return Event(record=record, id=kind, at=START + timedelta(seconds=record), data=given)


def events(first: int, last: int) -> list[Event]:
    return [event(record) for record in range(first, last + 1)]


def source(path: Path) -> Evtx:
    options, mapping = {"path": str(path)}, template("windows-security").text
    return Evtx(SourceConfig(id="windows", type="evtx", title="W", options=options, mapping=mapping), {}, SystemClock())


def pull(path: Path, sink: MemorySink) -> list[Record]:
    before = len(sink.records)
    Runner(source(path), sink, SystemClock(), patience=Patience(attempts=1, first=0, longest=0)).pull()
    return sink.records[before:]


def numbers(found: Sequence[Record]) -> list[int]:
    return [int(record.source_sequence or "0") for record in found]


def test_events_of_many_chunks_come_in_order_once_and_the_next_look_goes_on(tmp_path: Path) -> None:
    path, sink = tmp_path / "Security.evtx", MemorySink("windows")
    write_log(path, events(1, 700))
    found = pull(path, sink)
    assert numbers(found) == list(range(1, 701))
    assert found[0].occurred_at.text == "2026-11-25T07:00:01.123456Z"
    assert found[0].source_record_id == "host1.plant.example/Security/1/2026-11-25T07:00:01.123456Z"
    assert pull(path, sink) == []
    write_log(path, events(1, 703))
    assert numbers(pull(path, sink)) == [701, 702, 703]
    assert not sink.gaps


def test_a_log_that_is_written_in_a_circle_is_read_by_its_numbers(tmp_path: Path) -> None:
    path, sink = tmp_path / "Security.evtx", MemorySink("windows")
    path.write_bytes(log_bytes([events(121, 160), events(41, 80), events(81, 120)]))
    assert numbers(pull(path, sink)) == list(range(41, 161))


def test_archives_and_copies_that_overlap_are_taken_once(tmp_path: Path) -> None:
    sink = MemorySink("windows")
    write_log(tmp_path / "Archive-Security-1.evtx", events(1, 100))
    write_log(tmp_path / "Security.evtx", events(81, 150))
    assert numbers(pull(tmp_path / "*Security*.evtx", sink)) == list(range(1, 151))
    assert not sink.gaps


@pytest.mark.parametrize("while_away", [False, True])
def test_numbers_that_are_missing_are_a_gap(tmp_path: Path, while_away: bool) -> None:
    path, sink = tmp_path / "Security.evtx", MemorySink("windows")
    write_log(path, events(1, 10))
    if while_away:
        pull(path, sink)
        write_log(path, events(16, 20))
    else:
        write_log(path, [*events(1, 10), *events(16, 20)])
    pull(path, sink)
    assert numbers(sink.records) == [*range(1, 11), *range(16, 21)]
    (gap,) = sink.gaps
    assert "events 11 to 15 are not there" in gap.reason


def test_numbers_that_begin_anew_are_a_gap_and_their_events_are_read(tmp_path: Path) -> None:
    path, sink = tmp_path / "Security.evtx", MemorySink("windows")
    write_log(path, events(1, 50))
    pull(path, sink)
    again = [Event(record=one, id=4688, at=START + timedelta(days=1), data={"SubjectUserName": "x"}) for one in (1, 2)]
    write_log(path, again)
    assert numbers(pull(path, sink)) == [1, 2]
    assert "begin anew" in sink.gaps[0].reason
    assert sink.changed == []


def test_damage_within_a_log_is_a_gap_with_the_reason_and_the_rest_is_read(tmp_path: Path) -> None:
    path, sink = tmp_path / "Security.evtx", MemorySink("windows")
    data = bytearray(log_bytes([events(1, 20), events(21, 40)]))
    middle = 4096 + 512 + 4000
    data[middle : middle + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    pull(path, sink)
    assert numbers(sink.records)[-20:] == list(range(21, 41))
    assert len(sink.records) < 40
    assert sink.gaps
    assert "unreadable in Security.evtx" in sink.gaps[-1].reason


@pytest.mark.parametrize("content", [b"", b"no log", b"ElfFile\0", b"ElfFile\0" + b"\xff" * 100_000])
def test_a_file_that_is_no_log_ends_nothing(tmp_path: Path, content: bytes) -> None:
    sink = MemorySink("windows")
    (tmp_path / "Security-bad.evtx").write_bytes(content)
    write_log(tmp_path / "Security.evtx", events(1, 3))
    assert numbers(pull(tmp_path / "Security*.evtx", sink)) == [1, 2, 3]
    checks = source(tmp_path / "Security*.evtx").check().checks
    assert any("events 1 to 3" in check.says for check in checks)
    assert all(check.ok for check in checks if check.name != "clock") == content.startswith(b"ElfFile")


def test_a_record_that_is_being_written_is_read_at_the_next_look(tmp_path: Path) -> None:
    path, sink = tmp_path / "Security.evtx", MemorySink("windows")
    whole = log_bytes([events(1, 5)])
    path.write_bytes(whole)
    (chunk,) = chunks(path)
    assert len(records(chunk)[0]) == 5
    end = len(whole.rstrip(b"\0"))
    path.write_bytes(whole[: end - 50])
    assert numbers(pull(path, sink)) == [1, 2, 3, 4]
    path.write_bytes(whole)
    assert numbers(pull(path, sink)) == [5]
    assert not sink.gaps
    assert len(whole) == 4096 + CHUNK


@pytest.mark.parametrize(
    ("kind", "action", "outcome"),
    [
        (4624, Action.LOGIN, Outcome.SUCCESS),
        (4625, Action.LOGIN_FAILED, Outcome.DENIED),
        (4634, Action.LOGOUT, Outcome.SUCCESS),
        (4719, Action.CONFIGURE, Outcome.SUCCESS),
        (4720, Action.CREATE, Outcome.SUCCESS),
        (4726, Action.DELETE, Outcome.SUCCESS),
        (4728, Action.GRANT, Outcome.SUCCESS),
        (4732, Action.GRANT, Outcome.SUCCESS),
        (4733, Action.REVOKE, Outcome.SUCCESS),
        (4616, Action.TIME_CHANGE, Outcome.SUCCESS),
        (1102, Action.DELETE, Outcome.SUCCESS),
        (4999, Action.EXECUTE, Outcome.SUCCESS),
    ],
)
def test_the_template_knows_what_an_event_means(tmp_path: Path, kind: int, action: Action, outcome: Outcome) -> None:
    path, sink = tmp_path / "Security.evtx", MemorySink("windows")
    data = {"TargetUserName": "op2", "TargetDomainName": "PLANT", "SubjectDomainName": "PLANT", "IpAddress": "10.1.2.3"}
    more = {"PreviousTime": "2026-11-25T07:00:00Z", "NewTime": "2026-11-25T08:00:00Z"} if kind == 4616 else {}
    write_log(path, [event(1, kind, **data, **more)])
    (record,) = pull(path, sink)
    assert (record.action, record.outcome) == (action, outcome)
    by_target = kind in {4624, 4625, 4634}
    assert record.actor.account == ("op2" if by_target else "operator1")
    assert (record.actor.role, record.actor.workstation) == ("PLANT", "10.1.2.3")
    assert record.object.id == ("op2" if kind in {4720, 4726, 4728, 4732, 4733} else "host1.plant.example")
    if kind == 4616:
        assert ("time", "2026-11-25T07:00:00Z", "2026-11-25T08:00:00Z") in [
            (change.attribute, change.old, change.new) for change in record.changes
        ]


def test_data_that_stands_elsewhere_in_an_event_is_found() -> None:
    cleared = {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Eventlog"}},
                "EventID": {"#attributes": {"Qualifiers": 0}, "#text": 1102},
                "Security": None,
            },
            "UserData": {
                "LogFileCleared": {
                    "#attributes": {"xmlns": "x"},
                    "SubjectUserName": "admin1",
                    "BackupPath": {"#text": "p"},
                }
            },
        }
    }
    item = event_item(json.dumps(cleared).encode())
    assert item["data"] == {"SubjectUserName": "admin1", "BackupPath": "p"}
    assert isinstance(item["system"], dict)
    assert (item["system"]["event_id"], item["system"]["user"]) == ("1102", None)
    for text in ("{}", '{"Event": 1}', '{"Event": {"System": []}}'):
        with pytest.raises(SkippableRecord):
            event_item(text.encode())
