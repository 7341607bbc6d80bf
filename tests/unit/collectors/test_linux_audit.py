"""Audit events are put together from their lines however they are mixed, and read as what auditd really wrote."""

from pathlib import Path

import pytest

from collectors.infra.linux_audit import LinuxAudit
from collectors.infra.linux_audit_event import EventSplitter, event_item
from collectors.infra.splitting import Piece, Rules
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Action, Outcome, Record
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink

REAL = Path(__file__).parents[2] / "integration" / "collectors" / "data" / "linux-audit.log"
RULES = Rules(max_bytes=4096)


def line(kind: str, at: float, serial: int, rest: str = "a=1") -> bytes:
    return f"type={kind} msg=audit({at:.3f}:{serial}): {rest}\n".encode()


def split(text: bytes, size: int = 10_000) -> tuple[list[Piece], EventSplitter]:
    splitter = EventSplitter(RULES)
    found = [piece for at in range(0, len(text), size) for piece in splitter.feed(text[at : at + size])]
    return found, splitter


def kinds(pieces: list[Piece]) -> list[list[str]]:
    return [[one.split()[0].removeprefix("type=") for one in piece.data.decode().split("\n")] for piece in pieces]


CALL = line("SYSCALL", 1.0, 1) + line("CWD", 1.0, 1) + line("PATH", 1.0, 1) + line("PROCTITLE", 1.0, 1)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_lines_of_an_event_come_together_and_messages_alone(size: int) -> None:
    pieces, splitter = split(CALL + line("USER_LOGIN", 1.1, 2) + line("SYSCALL", 1.2, 3), size)
    assert kinds(pieces) == [["SYSCALL", "CWD", "PATH", "PROCTITLE"], ["USER_LOGIN"]]
    assert splitter.offset == len(CALL) + len(line("USER_LOGIN", 1.1, 2))
    assert splitter.waiting == len(line("SYSCALL", 1.2, 3)), "it may get more lines"


def test_an_event_that_nothing_ends_is_whole_once_a_later_one_is_there() -> None:
    pieces, _ = split(line("CONFIG_CHANGE", 1.0, 1) + line("USER", 1.5, 2) + line("USER", 3.1, 3))
    assert kinds(pieces) == [["CONFIG_CHANGE"], ["USER"], ["USER"]]


def test_events_that_are_mixed_are_told_apart_and_the_place_stays_before_them_until_all_are_whole() -> None:
    first, second = (line(kind, 1.0, 1) for kind in ("SYSCALL", "PROCTITLE"))
    third, fourth = (line(kind, 1.0, 2) for kind in ("SYSCALL", "PROCTITLE"))
    splitter = EventSplitter(RULES)
    assert list(splitter.feed(first + third + second)) == []
    assert splitter.offset == 0
    found = splitter.feed(fourth)
    one = next(found)
    assert (one.offset, splitter.offset) == (0, 0), "half of the other event lies before the end of this one"
    other = next(found)
    assert kinds([one, other]) == [["SYSCALL", "PROCTITLE"]] * 2
    assert list(found) == []
    assert splitter.offset == len(first + second + third + fourth)
    assert splitter.behind == (first + third + second + fourth)[-64:]


def test_a_line_of_another_form_stands_alone_and_one_that_is_too_long_is_told() -> None:
    pieces, _ = split(line("SYSCALL", 1.0, 1) + b"garbage\n" + b"x" * 5000 + b"\n" + CALL)
    assert [piece.data[:4] for piece in pieces] == [b"type", b"garb", b"xxxx", b"xxxx", b"type"]
    assert [bool(piece.problem) for piece in pieces] == [False, False, True, True, False]


def source(path: Path) -> LinuxAudit:
    options, mapping = {"path": str(path)}, template("linux-audit").text
    config = SourceConfig(id="host", type="linux-audit", title="Host", options=options, mapping=mapping)
    return LinuxAudit(config, {}, SystemClock())


def pull(path: Path, sink: MemorySink) -> list[Record]:
    before = len(sink.records)
    Runner(source(path), sink, SystemClock(), patience=Patience(attempts=1, first=0, longest=0)).pull()
    assert not sink.rejected
    return sink.records[before:]


def said(record: Record) -> dict[str, object]:
    return {change.attribute: change.new for change in record.changes}


@pytest.mark.tested(
    system="servers-and-network",
    source="Linux audit (auditd)",
    type="linux-audit",
    against="a log that auditd 3.0.9 wrote on Debian 12, stored",
    holds="sign-ins, accounts, watched files, commands, time and rule changes",
)
def test_what_auditd_wrote_becomes_records() -> None:
    """Rules added, a file made, renamed with a space in its name, copied, its rights changed, removed; the time set;
    sign-ins and accounts by libaudit.
    """
    found = pull(REAL, MemorySink("host"))
    assert [record.action for record in found] == [
        Action.START, Action.CONFIGURE, Action.CONFIGURE, Action.EXECUTE, Action.CREATE, Action.UPDATE, Action.CREATE,
        Action.CONFIGURE, Action.DELETE, Action.TIME_CHANGE, Action.LOGIN_FAILED, Action.EXECUTE, Action.LOGIN,
        Action.CREATE, Action.DELETE, Action.CONFIGURE, Action.CONFIGURE, Action.STOP,
    ]  # fmt: skip
    renamed, removed, set_time, refused, added = found[5], found[8], found[9], found[10], found[13]
    assert (renamed.object.type, renamed.object.id) == ("file", "/srv/recipes/watched old.conf")
    assert said(renamed) == {
        "event": "RENAME",
        "command": "mv watched.conf watched old.conf",
        "rule": "recipe-config",
        "delete": "/srv/recipes/watched.conf",
        "create": "/srv/recipes/watched old.conf",
    }
    assert (removed.object.id, removed.actor.account) == ("/srv/recipes/watched.conf", "root")
    assert str(said(set_time)["command"]).startswith("date -s 2026-11-28T")
    assert (refused.actor.account, refused.outcome) == ("op1", Outcome.FAILURE)
    assert refused.actor.workstation == "192.0.2.17"
    assert (added.actor.account, said(added)["account"]) == ("root", "op 9")
    assert found[3].changes[1].new == "calibration started"
    assert all(record.source_sequence and record.occurred_at.instant_us for record in found)


def test_a_log_that_is_read_within_an_event_and_rotated_is_read_on(tmp_path: Path) -> None:
    path, sink, whole = tmp_path / "audit.log", MemorySink("host"), MemorySink("host")
    lines = REAL.read_bytes().splitlines(keepends=True)
    within = next(at for at, one in enumerate(lines) if b"type=CWD" in one)
    after = next(at for at, one in enumerate(lines) if b"type=USER_LOGIN" in one)
    path.write_bytes(b"".join(lines[:within]))
    pull(path, sink)
    with path.open("ab") as file:
        file.writelines(lines[within:after])
    path.rename(tmp_path / "audit.log.1")
    path.write_bytes(b"".join(lines[after:]))
    pull(path, sink)
    assert [record.source_record_id for record in sink.records] == [
        record.source_record_id for record in pull(REAL, whole)
    ]
    assert sink.records == whole.records
    assert not sink.gaps


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "type=USER msg=audit(1.0:1): a=1",
        "type=USER msg=audit(1.000:1): a\ntype=USER msg=audit(1.000:2): b",
    ],
)
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(SkippableRecord):
        event_item(text, {})


def test_values_are_decoded_as_they_were_encoded() -> None:
    item = event_item(
        "node=host1 type=USER_CMD msg=audit(1795890153.287:9): pid=1 uid=1000 auid=1000 ses=3 "
        'msg=\'cwd="/home/op1" cmd=6C73202D6C exe="/usr/bin/sudo" terminal=pts/0 res=success\'\x1dUID="op1" AUID="op1"',
        {},
    )
    assert (item["node"], item["account"], item["command"]) == ("host1", "op1", "ls -l")
    assert (item["session"], item["terminal"], item["event"]) == ("3", "pts/0", "USER_CMD")
