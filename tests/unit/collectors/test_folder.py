"""Dropped files: each item once, files put away only when the ledger has them, and templates with an example each."""

import json
import os
from pathlib import Path

import pytest

from collectors.infra.folder import Folder
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, ConfigError, RetriableSource
from ledger.core.record import Action, Outcome, Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.support.memory_sink import MemorySink

DATA = Path(__file__).parent / "data" / "folder"
QUICK = Patience(attempts=1, first=0, longest=0)
MAPPING = """
name = "plain"
version = 1
title = "Plain items"
[record]
id = { join = ["file.name", "file.item"], by = "/" }
action = { text = "create" }
occurred_at = { at = { text = "0" }, format = "unix" }
object = { type = { text = "thing" }, id = { text = "1" } }
[[record.changes]]
attribute = { text = "text" }
new = "entry.text || text"
"""


class LaterClock:
    """A clock that is two minutes on: what was written is finished."""

    def now_us(self) -> int:
        return SystemClock().now_us() + 120_000_000


class Drop:
    """A folder and the source that reads it."""

    def __init__(self, folder: Path, mapping: str = MAPPING, **options: str) -> None:
        self.path = folder / "drop"
        self.path.mkdir()
        self.sink = MemorySink("drop")
        self.options = {"path": str(self.path), "settle_seconds": "0.01"} | options
        self.mapping = mapping

    def source(self, clock: object = None) -> Folder:
        config = SourceConfig(
            id="drop", type="folder", title="Drop", options=self.options, zone="Europe/Berlin", mapping=self.mapping
        )
        return Folder(config, {}, clock or SystemClock())  # type: ignore[arg-type]

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        part = self.path.parent / "part"
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
        return path

    def pull(self, *, later: bool = False) -> list[object]:
        before = len(self.sink.submissions)
        clock = LaterClock() if later else SystemClock()
        Runner(self.source(clock), self.sink, clock, patience=QUICK).pull()
        return [record.changes[0].new for record in self.sink.records[before:]]

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())


@pytest.mark.parametrize(
    ("options", "content", "items"),
    [
        ({"format": "json"}, '{"text": "a"}', ["a"]),
        ({"format": "json"}, '[{"text": "a"}, {"text": "b"}]', ["a", "b"]),
        ({"format": "json", "items": "data.rows"}, '{"data": {"rows": [{"text": "a"}]}}', ["a"]),
        ({"format": "json", "layout": "lines"}, '{"text": "a"}\n{"text": "b"}', ["a", "b"]),
        ({"format": "csv"}, '\ufeffid,text\n1,"a\nb"\n2,c', ["a\nb", "c"]),
        ({"format": "csv", "delimiter": ";", "columns": "id,text"}, "1;a\n2;b\n", ["a", "b"]),
        ({"format": "csv", "encoding": "utf-16"}, "text\ncaf\u00e9\n".encode("utf-16"), ["caf\u00e9"]),
        ({"format": "csv", "encoding": "cp1252"}, "text\ncaf\u00e9\n".encode("cp1252"), ["caf\u00e9"]),
        ({"format": "csv", "head_lines": "2"}, "Serial,7\nRoom,R1\ntext\na\n", ["a"]),
        ({"format": "text"}, "all of it\n", ["all of it\n"]),
        ({"format": "text", "layout": "lines", "only": "^keep"}, "keep 1\ndrop\nkeep 2\n", ["keep 1", "keep 2"]),
        ({"format": "xml"}, "<a><text>x &lt; y</text></a>", ["x < y"]),
        ({"format": "xml", "items": "row"}, "<a><row><text>1</text></row><row><text>2</text></row></a>", ["1", "2"]),
        ({"format": "csv"}, "text\n", []),
        ({"format": "csv"}, "", []),
    ],
)
def test_a_file_gives_its_items_and_each_is_derivable_again(
    tmp_path: Path, options: dict[str, str], content: str | bytes, items: list[str]
) -> None:
    drop = Drop(tmp_path, **options)
    drop.put("one.txt", content)
    assert drop.pull() == items
    assert not drop.sink.rejected
    assert drop.pull() == []
    for submission in drop.sink.submissions:
        assert submission.original is not None
        assert drop.source().derive(submission.original) == submission.record
    assert len({record.source_record_id for record in drop.sink.records}) == len(items)


@pytest.mark.parametrize(
    ("options", "content"),
    [
        ({"format": "json"}, '[{"text": "a"}'),
        ({"format": "json"}, "7"),
        ({"format": "json", "items": "rows"}, '{"other": []}'),
        ({"format": "json", "items": "rows"}, '{"rows": {}}'),
        ({"format": "csv"}, 'text\n"a\n'),
        ({"format": "xml"}, "<a><b></a>"),
        ({"format": "xml"}, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
        ({"format": "xml"}, "<a>" * 200 + "</a>" * 200),
    ],
)
def test_a_file_that_is_not_whole_is_looked_at_again_and_rejected_once_it_is_finished(
    tmp_path: Path, options: dict[str, str], content: str
) -> None:
    drop = Drop(tmp_path, **options)
    drop.put("one.txt", content)
    assert drop.pull() == []
    assert not drop.sink.rejected
    assert drop.pull(later=True) == []
    (rejected,) = drop.sink.rejected
    assert rejected.data == content.encode()
    assert rejected.reason.startswith("one.txt: ")
    assert drop.pull(later=True) == []
    assert len(drop.sink.rejected) == 1


def test_a_row_that_cannot_be_read_is_rejected_alone(tmp_path: Path) -> None:
    drop = Drop(tmp_path, format="csv")
    drop.put("one.csv", "id,text\n1,a\n2\n3,c\n")
    assert drop.pull() == ["a", "c"]
    (rejected,) = drop.sink.rejected
    assert json.loads(rejected.data)["part"]["text"] == "2"


def test_a_column_that_no_file_had_before_is_another_schema_and_files_without_one_are_not(tmp_path: Path) -> None:
    drop = Drop(tmp_path, format="csv")

    def schema(name: str, content: str) -> str | None:
        drop.put(name, content)
        drop.pull(later=True)
        told = drop.sink.runs[-1].facts
        return None if told is None else told.schema

    first = schema("1.csv", "id,text\n1,a\n")
    assert first is not None
    assert schema("2.csv", "text,id\nb,2\n") == first, "in another order"
    second = schema("3.csv", "id,text,shift\n3,c,early\n")
    assert second not in (first, None)
    assert schema("4.csv", "id,text\n4,d\n") == second
    assert drop.source().tells == ("schema",)
    assert schema("5.csv", "") == second, "nothing new"


def test_a_file_that_changes_comes_again_and_one_that_is_only_touched_does_not(tmp_path: Path) -> None:
    drop = Drop(tmp_path, format="csv")
    path = drop.put("one.csv", "text\na\nb\n")
    assert drop.pull() == ["a", "b"]
    os.utime(path, ns=(1, 1))
    assert drop.pull() == []
    drop.put("one.csv", "text\na\nc\nd\n")
    assert drop.pull() == ["c", "d"]
    assert drop.sink.changed == ["one.csv/2"]
    assert drop.sink.duplicates == 1


@pytest.mark.parametrize("after", ["move", "delete"])
def test_files_are_put_away_only_when_the_ledger_has_their_records(tmp_path: Path, after: str) -> None:
    target = tmp_path / "done"
    moved = {"move_to": str(target)} if after == "move" else {}
    drop = Drop(tmp_path, format="csv", after=after, **moved)
    drop.put("one.csv", "text\na\n")

    def die(_: RunBatch) -> None:
        assert drop.names == ["one.csv"], "the ledger does not have it yet"
        raise AccessDenied("the process is killed")

    drop.sink.on_submit = die
    with pytest.raises(AccessDenied):
        drop.pull()
    assert drop.names == ["one.csv"]
    drop.sink.on_submit, drop.sink.on_taken = lambda _: None, die
    with pytest.raises(AccessDenied):
        drop.pull()
    assert drop.names == ["one.csv"], "the ledger has it, and the process ended before it was put away"
    drop.sink.on_taken = lambda _: None
    assert drop.pull() == []
    assert drop.names == []
    drop.put("one.csv", "text\nb\n")
    assert drop.pull() == ["b"]
    assert drop.names == []
    if after == "move":
        assert sorted(path.name for path in target.iterdir()) == ["one-2.csv", "one.csv"]
        assert (target / "one.csv").read_text() == "text\na\n"
    assert [record.changes[0].new for record in drop.sink.records] == ["a", "b"]


def test_a_file_that_changed_while_the_ledger_took_it_is_not_put_away(tmp_path: Path) -> None:
    drop = Drop(tmp_path, format="csv", after="delete")
    drop.put("one.csv", "text\na\n")

    def change(_: RunBatch) -> None:
        drop.sink.on_taken = lambda _: None
        drop.put("one.csv", "text\na\nmore\n")

    drop.sink.on_taken = change
    assert drop.pull() == ["a"]
    assert drop.names == ["one.csv"]
    assert drop.pull() == ["more"]
    assert drop.names == []


def test_a_large_file_is_handed_over_in_parts_and_goes_on_after_a_crash(tmp_path: Path) -> None:
    drop = Drop(tmp_path, format="csv", after="delete")
    drop.put("big.csv", "text\n" + "".join(f"{number}\n" for number in range(1700)))

    def die(_: RunBatch) -> None:
        if len(drop.sink.runs) == 2:
            raise AccessDenied("the process is killed")

    drop.sink.on_taken = die
    with pytest.raises(AccessDenied):
        drop.pull()
    drop.sink.on_taken = lambda _: None
    assert drop.names == ["big.csv"]
    drop.pull()
    assert [record.changes[0].new for record in drop.sink.records] == [str(number) for number in range(1700)]
    assert drop.sink.duplicates == 0
    assert drop.names == []


def test_a_file_that_is_too_large_is_a_gap_once(tmp_path: Path) -> None:
    drop = Drop(tmp_path, format="text", max_mib="1")
    drop.put("big.txt", "x" * (1024 * 1024))
    assert drop.pull() == []
    assert drop.pull() == []
    (gap,) = drop.sink.gaps
    assert (gap.subject, "larger than" in gap.reason) == ("file big.txt", True)


def test_links_and_what_is_no_file_are_left_alone(tmp_path: Path) -> None:
    drop = Drop(tmp_path, format="text")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (drop.path / "link.txt").symlink_to(secret)
    (drop.path / "folder.txt").mkdir()
    os.mkfifo(drop.path / "pipe.txt")
    drop.put("one.txt", "a")
    assert drop.pull() == ["a"]


def test_what_cannot_be_put_away_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    drop = Drop(tmp_path, format="text", after="move", move_to=str(tmp_path / "file"))
    drop.put("one.txt", "a")
    with pytest.raises(RetriableSource, match=r"one\.txt cannot be put away"):
        drop.pull()
    assert drop.names == ["one.txt"]
    assert len(drop.sink.records) == 1


def records(tmp_path: Path, name: str) -> list[Record]:
    """What the template makes of its example."""
    drop = Drop(tmp_path, template(name).text)
    (example,) = DATA.glob(f"{name}.*")
    drop.put(example.name, example.read_bytes())
    drop.pull()
    assert not drop.sink.rejected, drop.sink.rejected
    for record in drop.sink.records:
        assert record.occurred_at.instant_us is not None
        assert record.source_recorded_at is not None
    assert len({record.source_record_id for record in drop.sink.records}) == len(drop.sink.records)
    assert all(check.ok for check in drop.source().check().checks if check.name != "clock")
    return drop.sink.records


def said(record: Record) -> dict[str, object]:
    return {change.attribute: change.new for change in record.changes}


def test_a_balance_s_weighings(tmp_path: Path) -> None:
    first, second = records(tmp_path, "balance-csv")
    assert (said(first), first.changes[0].unit) == ({"net": "12.3409", "tare": "100.0001"}, "g")
    assert (first.actor.account, first.object.id, first.outcome) == ("analyst1", "S-2041", Outcome.SUCCESS)
    assert first.occurred_at.zone == "Europe/Berlin"
    assert second.outcome is Outcome.FAILURE


@pytest.mark.parametrize("name", ["filter-integrity-csv", "filter-integrity-xml"])
def test_a_filter_integrity_tester_s_tests(tmp_path: Path, name: str) -> None:
    first, second = records(tmp_path, name)
    assert said(first)["verdict"] == "PASS"
    assert [link.id for link in first.links] == ["B-17", "FIT-2"]
    assert {record.outcome for record in (first, second)} == {Outcome.SUCCESS, Outcome.FAILURE}
    assert first.changes[0].unit == "mbar"


def test_an_autoclave_s_cycles(tmp_path: Path) -> None:
    first, second = records(tmp_path, "autoclave-cycle-csv")
    assert said(first) == {"lowest temperature": "121.1", "F0": "18.2", "result": "OK"}
    assert (second.outcome, second.source_sequence) == (Outcome.FAILURE, "2052")


def test_a_particle_counter_s_samples(tmp_path: Path) -> None:
    first, second = records(tmp_path, "particle-counter-csv")
    assert (first.action, second.action) == (Action.CREATE, Action.ALARM)
    assert (first.actor.account, first.actor.workstation, first.object.name) == ("operator3", "PC-88", "Filling 2")
    assert said(second)["particles of 5 µm and more"] == "21"


@pytest.mark.tested(
    system=SystemClass.BUILDING,
    source="environmental monitoring, exports as CSV",
    type="folder",
    against="files of a documented shape, not the product",
    holds="alarms, acknowledgements by whom, limits: who, when, old and new value, reason, room",
)
def test_a_monitoring_system_s_alarms_and_changes(tmp_path: Path) -> None:
    found = records(tmp_path, "environmental-monitoring-csv")
    assert [record.action for record in found] == [
        Action.ALARM, Action.ACKNOWLEDGE, Action.ALARM_CLEAR, Action.CONFIGURE,
    ]  # fmt: skip
    assert (found[3].changes[0].old, found[3].changes[0].new, found[3].reason) == ("8.0", "9.0", "change request 12")
    assert found[1].actor.account == "technician1"


def test_doors_that_were_opened_and_refused(tmp_path: Path) -> None:
    first, second = records(tmp_path, "door-badges-csv")
    assert (first.outcome, second.outcome) == (Outcome.SUCCESS, Outcome.DENIED)
    assert (first.actor.account, first.actor.name) == ("40017", "Example Person")


def test_trainings(tmp_path: Path) -> None:
    first, second = records(tmp_path, "training-csv")
    assert (first.action, second.action) == (Action.GRANT, Action.REJECT)
    assert [link.id for link in first.links] == ["4001", "SOP-112"]


def test_presence_without_any_reason_in_record_or_original(tmp_path: Path) -> None:
    drop = Drop(tmp_path, template("presence-csv").text)
    drop.put("days.csv", (DATA / "presence-csv.csv").read_bytes())
    assert drop.pull() == ["present", "absent"]
    drop.put("bad.csv", "Date;Person;Status;Reason\n2026-11-25;4003;absent;reason;too many\n")
    drop.put("without.csv", "Date;Person;Status\n2026-11-25;4003;absent a reason\n")
    assert drop.pull(later=True) == []
    assert len(drop.sink.rejected) == 2
    kept = [one.original.data for one in drop.sink.submissions if one.original] + [
        one.data + one.reason.encode() for one in drop.sink.rejected
    ]
    assert not [data for data in kept if b"a reason" in data or b"too many" in data]
    assert json.loads(kept[0])["part"]["withheld"] == ["Reason"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"after": "shred"}, "after"),
        ({"after": "move"}, "move_to"),
        ({"after": "delete", "move_to": "x"}, "move_to"),
        ({"format": "xml", "layout": "lines"}, "layout"),
        ({"format": "csv", "layout": "document"}, "layout"),
        ({"format": "csv", "items": "rows"}, "items"),
        ({"format": "json", "withhold": "a"}, "withhold"),
        ({"head_lines": "many"}, "head_lines"),
        ({"encoding": "nonsense"}, "encoding"),
        ({"format": "spreadsheet"}, "format"),
    ],
)
def test_options_that_cannot_be_are_named(tmp_path: Path, options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Drop(tmp_path, **options).source()
