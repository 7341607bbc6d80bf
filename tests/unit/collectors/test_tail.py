"""A log is read once and whole, however it is rotated, and what is lost is said; rotation by the real logrotate too."""

import bz2
import gzip
import json
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.infra.tail import Tail
from collectors.mapping.model import read_mapping
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, ConfigError, FatalSource, RetriableSource
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink

LOGROTATE = "/usr/sbin/logrotate"
MAPPING = """
name = "plain"
version = 1
title = "Plain lines"
[record]
id = { join = ["file.number", "file.offset"], by = "@" }
action = { text = "update" }
occurred_at = { at = { text = "0" }, format = "unix" }
object = { type = { text = "thing" }, id = { path = "entry.id", default = "1" } }
[[record.changes]]
attribute = { text = "text" }
new = { path = "entry.text || text" }
"""


class LaterClock:
    """A clock that is two minutes on: what was written is settled."""

    def now_us(self) -> int:
        return SystemClock().now_us() + 120_000_000


class Log:
    """A log file and the source that reads it."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.path = folder / "app.log"
        self.sink = MemorySink("app")
        self.options = {"path": str(self.path), "format": "text"} | options

    def source(self, clock: object = None) -> Tail:
        config = SourceConfig(id="app", type="tail", title="App", options=self.options, mapping=MAPPING)
        return Tail(config, {}, SystemClock() if clock is None else clock)  # type: ignore[arg-type]

    def write(self, text: str | bytes, name: str | None = None) -> None:
        with (self.path.parent / (name or self.path.name)).open("ab") as file:
            file.write(text.encode() if isinstance(text, str) else text)

    def pull(self, *, later: bool = False) -> list[object]:
        """The texts that one look brings."""
        before = len(self.sink.submissions)
        clock = LaterClock() if later else SystemClock()
        quick = Patience(attempts=1, first=0.01, longest=0.01)
        Runner(self.source(clock), self.sink, clock, patience=quick).pull()
        return [record.changes[0].new for record in self.sink.records[before:]]

    def rename(self, old: str, new: str) -> None:
        (self.path.parent / old).rename(self.path.parent / new)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def pack(open_packed: Callable[..., object], path: Path, name: str) -> None:
    packed = path.parent / name
    with open_packed(packed, "wb") as file:  # type: ignore[attr-defined]
        file.write(path.read_bytes())
    os.utime(packed, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    path.unlink()


def test_only_whole_lines_are_taken_and_each_once(log: Log) -> None:
    log.write("a\nb\nhal")
    assert log.pull() == ["a", "b"]
    assert log.pull() == []
    log.write("f\nc")
    assert log.pull() == ["half"]
    log.write("\n")
    assert log.pull() == ["c"]
    assert [record.source_record_id for record in log.sink.records] == ["1@0", "1@2", "1@4", "1@9"]


def test_a_renamed_file_is_read_to_its_end_before_the_new_one(log: Log) -> None:
    log.write("a\n")
    assert log.pull() == ["a"]
    log.write("b\n")
    log.rename("app.log", "app.log.1")
    log.write("c\n", "app.log.1")
    log.write("d\n")
    assert log.pull() == ["b", "c", "d"]
    log.write("e\n", "app.log.1")
    log.write("f\n")
    assert log.pull() == ["e", "f"]
    assert not log.sink.gaps


def test_several_generations_that_came_while_away_are_read_in_order(log: Log) -> None:
    log.write("a\n")
    log.pull()
    for number, text in enumerate("bcd"):
        log.write(f"{text}1\n")
        for old in range(3, 0, -1):
            if (log.path.parent / f"app.log.{old}").exists():
                log.rename(f"app.log.{old}", f"app.log.{old + 1}")
        log.rename("app.log", "app.log.1")
        log.write(f"{text}2\n")
        os.utime(log.path.parent / "app.log.1", ns=(10**18 + number, 10**18 + number))
    assert log.pull() == ["b1", "b2", "c1", "c2", "d1", "d2"]
    assert not log.sink.gaps


@pytest.mark.parametrize(
    ("open_packed", "ending"), [(gzip.open, "gz"), (bz2.open, "bz2"), (lzma.open, "xz")], ids=["gz", "bz2", "xz"]
)
def test_a_compressed_file_is_read_on_from_its_place(log: Log, open_packed: Callable[..., object], ending: str) -> None:
    log.write("a\n" * 1000)
    assert len(log.pull()) == 1000
    log.write("b\n")
    pack(open_packed, log.path, f"app.log.1.{ending}")
    log.write("c\n")
    assert log.pull() == ["b", "c"]
    log.rename(f"app.log.1.{ending}", f"app.log.2.{ending}")
    assert log.pull() == []
    assert not log.sink.gaps


def test_a_file_that_is_being_compressed_is_not_read_twice_and_a_damaged_one_is_a_gap_once(log: Log) -> None:
    log.write("".join(f"line {number}\n" for number in range(5000)))
    whole = gzip.compress(log.path.read_bytes())
    assert len(log.pull()) == 5000
    log.rename("app.log", "app.log.1")
    log.write("next\n")
    (log.path.parent / "app.log.1.gz").write_bytes(whole[: len(whole) // 2])
    assert log.pull() == ["next"]
    (log.path.parent / "app.log.1").unlink()
    assert log.pull() == []
    assert not log.sink.gaps, "it may still be written"
    assert log.pull(later=True) == []
    assert len(log.sink.gaps) == 1
    assert log.pull(later=True) == []
    assert len(log.sink.gaps) == 1


def test_a_file_that_was_copied_and_truncated_is_read_on_in_the_copy(log: Log) -> None:
    log.write("a\n")
    log.pull()
    log.write("b\n")
    shutil.copy(log.path, log.path.parent / "app.log.1")
    os.truncate(log.path, 0)
    log.write("c\n")
    assert log.pull() == ["b", "c"]
    log.write("d\n")
    assert log.pull() == ["d"]
    assert not log.sink.gaps


def test_a_copy_that_is_made_before_the_truncation_is_not_read_again(log: Log) -> None:
    first, second, third = ("a" * 50, "b" * 50, "c" * 50)
    log.write(f"{first}\n{second}\n")
    shutil.copy(log.path, log.path.parent / "app.log.1")
    assert log.pull() == [first, second]
    log.write(f"{third}\n")
    assert log.pull() == [third]
    os.truncate(log.path, 0)
    assert log.pull() == []
    log.write("d\n")
    assert log.pull() == ["d"]
    assert not log.sink.gaps, "nothing was lost: it was read before the copy was the only one"


@pytest.mark.parametrize("how", ["removed", "truncated", "rotated away", "inode used again"])
def test_what_is_gone_before_it_was_seen_finished_is_a_gap(log: Log, how: str) -> None:
    log.write("a\n")
    log.pull()
    log.write("lost\n")
    if how == "truncated":
        os.truncate(log.path, 0)
    elif how == "inode used again":
        with log.path.open("r+b") as file:
            file.write(b"x\n")
    else:
        log.path.unlink()
    log.write("b\n")
    found = log.pull()
    assert found[-1] == "b"
    (gap,) = log.sink.gaps
    assert "after byte 2" in gap.reason
    log.write("c\n")
    assert log.pull() == ["c"]
    assert len(log.sink.gaps) == 1


def test_a_finished_file_that_is_removed_is_no_gap(log: Log) -> None:
    log.write("a\n")
    log.pull()
    log.rename("app.log", "app.log.1")
    log.write("b\n")
    log.pull(later=True)
    (log.path.parent / "app.log.1").unlink()
    assert log.pull() == []
    assert not log.sink.gaps


def test_half_a_line_at_the_end_of_a_finished_file_is_kept_as_rejected(log: Log) -> None:
    log.write("a\nhalf")
    log.pull()
    log.rename("app.log", "app.log.1")
    log.write("b\n")
    assert log.pull() == ["b"]
    assert not log.sink.rejected
    log.write("c\n")
    assert log.pull(later=True) == ["c"]
    (rejected,) = log.sink.rejected
    assert rejected.data == b"half"
    assert "ended before" in rejected.reason


def test_files_named_by_time_are_one_log(tmp_path: Path) -> None:
    log = Log(tmp_path, path=str(tmp_path / "app-*.log"))
    log.write("a\n", "app-1.log")
    assert log.pull() == ["a"]
    log.write("b\n", "app-1.log")
    log.write("c\n", "app-2.log")
    assert log.pull() == ["b", "c"]
    log.write("d\n", "app-2.log")
    log.write("unrelated\n", "other.log")
    assert log.pull() == ["d"]


def test_hundreds_of_old_files_are_read_once_and_the_cursor_stays_small(tmp_path: Path) -> None:
    log = Log(tmp_path, path=str(tmp_path / "app-*.log"))
    for number in range(300):
        log.write(f"line {number}\n", f"app-{number:03}.log")
        os.utime(tmp_path / f"app-{number:03}.log", ns=(10**18 + number, 10**18 + number))
    assert len(log.pull()) == 300
    assert len(log.sink.runs[-1].cursor_to or "") < 4000
    assert log.pull() == []
    log.write("more\n", "app-299.log")
    assert log.pull() == ["more"]


def test_two_files_that_begin_alike_are_two(tmp_path: Path) -> None:
    log = Log(tmp_path, format="csv", columns="", path=str(tmp_path / "app-*.log"))
    log.write("text\na\n", "app-1.log")
    assert log.pull() == ["a"]
    log.write("text\nb\nc\n", "app-2.log")
    assert log.pull() == ["b", "c"]
    assert log.pull() == []


def test_files_that_begin_with_the_same_long_header_are_told_apart_however_they_are_rotated(tmp_path: Path) -> None:
    log = Log(tmp_path, format="csv")
    header = "text," + ",".join(f"column_{number}" for number in range(20)) + "\n"
    row = "," * 20 + "\n"
    log.write(header)
    assert log.pull() == []
    log.write(f"a{row}b{row}")
    shutil.copy(log.path, log.path.parent / "app.log.1")
    os.truncate(log.path, 0)
    log.write(header)
    assert log.pull() == ["a", "b"]
    log.write(f"c{row}")
    assert log.pull() == ["c"]
    log.rename("app.log.1", "app.log.2")
    log.rename("app.log", "app.log.1")
    log.write(f"{header}d{row}")
    pack(gzip.open, log.path.parent / "app.log.2", "app.log.2.gz")
    pack(gzip.open, log.path.parent / "app.log.1", "app.log.1.gz")
    assert log.pull() == ["d"]
    assert not log.sink.gaps


def test_short_files_that_are_alike_are_not_taken_for_copies(log: Log) -> None:
    log.write("opened\n")
    assert log.pull() == ["opened"]
    log.rename("app.log", "app.log.1")
    log.write("opened\n")
    assert log.pull() == ["opened"]
    log.rename("app.log.1", "app.log.2")
    log.rename("app.log", "app.log.1")
    log.write("opened\nb\n")
    assert log.pull() == ["opened", "b"]


def test_a_csv_row_knows_the_header_of_its_file(tmp_path: Path) -> None:
    log = Log(tmp_path, format="csv")
    log.write("\ufeffid,te")
    assert log.pull() == []
    log.write('xt\n1,"a\nb"\n2,c\n')
    assert log.pull() == ["a\nb", "c"]
    log.rename("app.log", "app.log.1")
    log.write("text,id,more\nd,3,\n")
    assert log.pull() == ["d"]
    log.write("e\n")
    assert log.pull() == []
    (rejected,) = log.sink.rejected
    assert rejected.reason == "1 columns, not 3"


def test_patterns_say_what_is_taken(tmp_path: Path) -> None:
    log = Log(tmp_path, only="audit", without="noise")
    log.write("audit 1\nother\naudit noise\naudit 2\n")
    assert log.pull() == ["audit 1", "audit 2"]


def test_bytes_that_are_no_utf_8_stand_in_the_original_as_they_came(log: Log) -> None:
    line = b"caf\xe9 \xff\xfe"
    log.write(line + b"\n")
    assert log.pull() == ["caf\ufffd \ufffd\ufffd"]
    (submission,) = log.sink.submissions
    assert submission.original is not None
    assert json.loads(submission.original.data)["base64"] == "Y2Fm6SD//g=="
    assert log.source().derive(submission.original) == submission.record


def test_another_encoding_is_read_as_it_is(tmp_path: Path) -> None:
    log = Log(tmp_path, encoding="cp1252")
    log.write("café €".encode("cp1252") + b"\nplain\n")
    assert log.pull() == ["café €", "plain"]


def test_a_line_that_is_too_long_is_rejected_in_parts_over_looks_and_the_next_is_read(tmp_path: Path) -> None:
    log = Log(tmp_path, max_bytes="100")
    log.write("x" * 250)
    assert log.pull() == []
    assert log.pull() == []
    log.write("x" * 30 + "\nafter\n")
    assert log.pull() == ["after"]
    assert b"".join(one.data for one in log.sink.rejected) == b"x" * 280
    assert all("more than 100 bytes" in one.reason for one in log.sink.rejected)


def test_a_file_that_is_no_regular_one_is_never_opened(log: Log) -> None:
    log.write("a\n")
    os.mkfifo(log.path.parent / "app.log.1")
    (log.path.parent / "app.log.2").mkdir()
    assert log.pull() == ["a"]


def test_a_crash_between_two_runs_of_one_look_loses_and_doubles_nothing(log: Log) -> None:
    log.write("".join(f"{number}\n" for number in range(1800)))
    log.rename("app.log", "app.log.1")
    log.write("".join(f"{number}\n" for number in range(1800, 2500)))
    for count in (1, 2, 3, 4):

        def die(_: object, count: int = count) -> None:
            if len(log.sink.runs) >= count:
                raise AccessDenied("the process is killed")

        log.sink.on_taken = die
        with pytest.raises(AccessDenied):
            log.pull()
    log.sink.on_taken = lambda _: None
    log.pull()
    assert [record.changes[0].new for record in log.sink.records] == [str(number) for number in range(2500)]
    assert len({record.source_record_id for record in log.sink.records}) == 2500
    assert log.sink.changed == []


def test_a_file_that_may_not_be_read_is_named_and_the_others_are_read(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write("a\n", "app.log.1")
    log.write("b\n")
    real = os.open

    def refuse(path: object, *rest: int, **more: int) -> int:
        if str(path).endswith(".1"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("collectors.infra.tail_files.os.open", refuse)
    with pytest.raises(RetriableSource, match=r"app\.log\.1 cannot be read: Permission denied"):
        log.pull()
    assert [record.changes[0].new for record in log.sink.records] == ["b"]
    monkeypatch.undo()
    assert log.pull() == ["a"]


def test_a_source_whose_snapshot_is_lost_needs_a_person(log: Log) -> None:
    log.write("a\n")
    log.pull()
    log.sink._snapshot = None
    with pytest.raises(FatalSource, match="known again"):
        log.pull()


def test_trying_a_log_says_what_its_lines_give(tmp_path: Path) -> None:
    log = Log(tmp_path, format="json")
    assert [check.ok for check in log.source().check().checks] == [False]
    log.write('{"id": 1}\nnot json\n')
    report = log.source().check()
    (records,) = (check for check in report.checks if check.name == "records")
    assert not records.ok
    assert "1 of 2 lines" in records.says
    assert "byte 10" in records.says


@pytest.mark.parametrize("name", ["utf-16", "base64", "nonsense"])
def test_an_encoding_in_which_lines_cannot_be_told_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="encoding"):
        Log(tmp_path, encoding=name).source()


@pytest.mark.tested(
    system="servers-and-network",
    source="rotated log files",
    type="tail",
    against="logrotate 3.21 (rename, copytruncate, gzip, dates)",
    holds="each line once",
)
@pytest.mark.parametrize(
    "rules",
    [
        "create",
        "copytruncate",
        "create\ncompress",
        "create\ncompress\ndelaycompress",
        "copytruncate\ncompress",
        "dateext\ncreate",
    ],
)
@pytest.mark.parametrize("while_away", [1, 2])
def test_logs_that_logrotate_turns_lose_and_double_nothing(tmp_path: Path, rules: str, while_away: int) -> None:
    assert shutil.which(LOGROTATE), "logrotate is not installed (Debian: apt-get install logrotate)"
    log = Log(tmp_path)
    dated = "dateformat -%Y%m%d-%s\n" if "dateext" in rules else ""
    conf = tmp_path / "rotate.conf"
    conf.write_text(f"{log.path} {{\nrotate 20\n{dated}{rules}\n}}\n")
    written = 0
    for step in range(4):
        for _ in range(while_away):
            log.write("".join(f"{number}\n" for number in range(written, written + 3)))
            written += 3
            if step % 2:
                log.pull()
            command = (LOGROTATE, "--force", "--state", str(tmp_path / "state"), str(conf))
            subprocess.run(command, check=True, capture_output=True)
            if dated:
                log.rename(next(log.path.parent.glob("app.log-*-*")).name, f"app.log-{written}")
        log.write(f"{written}\n")
        written += 1
        log.pull()
    found = [int(str(record.changes[0].new)) for record in log.sink.records]
    assert sorted(found) == list(range(written))
    assert not log.sink.gaps
    assert not log.sink.rejected


def test_the_mapping_of_this_test_can_be() -> None:
    assert read_mapping(MAPPING).name == "plain"
