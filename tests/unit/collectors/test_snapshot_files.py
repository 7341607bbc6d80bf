"""A folder of files: each difference between two looks is told, and nothing that only could not be read."""

import contextlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.base import MAX_SNAPSHOT
from collectors.infra import snapshot_files
from collectors.infra.snapshot_files import SnapshotFiles
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, Record
from ledger.core.run import SourceState
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink

_NOBODY = 65534


class World:
    """A folder, a sink, and what a look adds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "share"
        self.folder.mkdir()
        self.sink = MemorySink("share")
        self.options: dict[str, str] = {}

    def collector(self) -> SnapshotFiles:
        options = {"folder": str(self.folder), "baseline": "each", **self.options}
        config = SourceConfig(id="share", type="snapshot-files", title="Share", options=options)
        return SnapshotFiles(config, {}, SystemClock())

    def look(self) -> list[Record]:
        before = len(self.sink.records)
        patience = Patience(attempts=1, first=0, longest=0)
        Runner(self.collector(), self.sink, SystemClock(), patience=patience).pull()
        assert not self.sink.rejected
        assert self.sink.changed == []
        return self.sink.records[before:]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def said(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def test_a_text_that_changes_is_told_line_by_line(world: World) -> None:
    recipe = world.folder / "recipe.xml"
    lines = [f"<step n='{number}' heat='{number}'/>" for number in range(400)]
    recipe.write_text("\n".join(lines))
    world.look()
    lines[200] = "<step n='200' heat='95'/>"
    recipe.write_text("\n".join(lines))
    (record,) = world.look()
    assert (record.action, record.object.type, record.object.id) == (Action.UPDATE, "file", "recipe.xml")
    diff = str(said(record)["text (diff)"][1]).splitlines()
    assert [line for line in diff if line[0] in "+-" and not line.startswith(("+++", "---"))] == [
        "-<step n='200' heat='200'/>",
        "+<step n='200' heat='95'/>",
    ]
    assert said(record)["sha256"][0] != said(record)["sha256"][1]
    assert record.occurred_at.instant_us == recipe.stat().st_mtime_ns // 1000
    assert record.changes[0].inferred is not None


def test_a_binary_file_is_told_by_its_digest_even_if_size_and_time_are_the_same(world: World) -> None:
    program = world.folder / "plc.bin"
    program.write_bytes(b"\x00\x01" * 1000)
    seen = program.stat()
    world.look()
    program.write_bytes(b"\x00\x02" * 1000)
    os.utime(program, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    (record,) = world.look()
    assert list(said(record)) == ["sha256"]
    assert record.occurred_at.instant_us is None, "the time of change is that of before: it says nothing"


def test_files_that_come_and_go_and_change_their_rights(world: World) -> None:
    (world.folder / "methods").mkdir()
    (world.folder / "methods" / "a.txt").write_text("a")
    (world.folder / "b.txt").write_text("b")
    world.look()
    (world.folder / "methods" / "a.txt").rename(world.folder / "methods" / "c.txt")
    (world.folder / "b.txt").chmod(0o600)
    found = {record.object.id: (record.action, said(record)) for record in world.look()}
    assert found["methods/a.txt"][0] is Action.DELETE
    assert found["methods/c.txt"][0] is Action.CREATE
    assert found["methods/c.txt"][1]["text"][1] == "a"
    assert found["b.txt"][0] is Action.UPDATE
    assert found["b.txt"][1] == {"mode": ("0644", "0600")}


def test_patterns_say_what_counts(world: World) -> None:
    for name in ("a.xml", "b.tmp", "old/c.xml", "deep/er/d.xml", "deep/e.txt"):
        path = world.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    world.options = {"include": "*.xml, deep/*.txt", "exclude": "old, a.*"}
    assert sorted(record.object.id for record in world.look()) == ["deep/e.txt", "deep/er/d.xml"]


def test_other_patterns_are_a_new_baseline_and_no_deletions(world: World) -> None:
    (world.folder / "a.xml").write_text("a")
    (world.folder / "b.txt").write_text("b")
    world.look()
    world.options = {"include": "*.txt"}
    (record,) = world.look()
    assert (record.action, record.object.id) == (Action.READ, "b.txt")
    assert [gap.subject for gap in world.sink.gaps] == ["scope"]


def test_links_are_what_they_point_to_and_nothing_else_is_opened(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("of another folder")
    (world.folder / "out").symlink_to(secret)
    (world.folder / "link").symlink_to(secret / "key")
    os.mkfifo(world.folder / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(world.folder / "door"))
        records = world.look()
    assert {record.object.id: said(record)["link"][1] for record in records} == {
        "out": str(secret),
        "link": str(secret / "key"),
    }
    (world.folder / "link").unlink()
    (world.folder / "link").symlink_to("/dev/null")
    (record,) = world.look()
    assert said(record)["link"] == (str(secret / "key"), "/dev/null")


def test_names_that_are_no_utf_8_stay_apart(world: World) -> None:
    for name in (b"a\xff", b"a\xfe", "ä\u202e<b>\n'".encode()):
        (world.folder / os.fsdecode(name)).write_text("x")
    assert {record.object.id for record in world.look()} == {"a\\xff", "a\\xfe", "ä\u202e<b>\n'"}


@pytest.mark.parametrize("closed", ["a.txt", "deep"])
def test_what_may_not_be_read_stays_as_it_was(closed: str) -> None:
    with tempfile.TemporaryDirectory(prefix="trailseal-share-") as parent:
        Path(parent).chmod(0o755)
        _closing(World(Path(parent)), closed)


@contextlib.contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may read everything, so it becomes somebody else meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def _closing(world: World, closed: str) -> None:
    (world.folder / "deep").mkdir()
    for name in ("a.txt", "deep/b.txt"):
        (world.folder / name).write_text("1")
    world.look()
    (world.folder / "a.txt").write_text("2")
    (world.folder / "deep" / "b.txt").write_text("2")
    rights = (world.folder / closed).stat().st_mode
    (world.folder / closed).chmod(0)
    open_name, shut_name = ("deep/b.txt", "a.txt") if closed == "a.txt" else ("a.txt", "deep/b.txt")
    with _as_nobody():
        assert [record.object.id for record in world.look()] == [open_name]
        assert f"file {shut_name}" in [gap.subject for gap in world.sink.gaps]
        assert world.look() == []
    (world.folder / closed).chmod(rights)
    (record,) = world.look()
    assert (record.object.id, record.action, said(record)["text"]) == (shut_name, Action.UPDATE, ("1", "2"))


def test_a_file_that_is_being_written_keeps_its_state(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    log = world.folder / "growing.bin"
    log.write_bytes(b"\x00" * 100)
    world.look()
    really = os.read

    def read(descriptor: int, size: int) -> bytes:
        with log.open("ab") as file:
            file.write(b"\x01")
        return really(descriptor, size)

    monkeypatch.setattr(snapshot_files, "read", read)
    assert world.look() == []
    assert "being written" in world.sink.gaps[0].reason
    monkeypatch.undo()
    (record,) = world.look()
    assert said(record)["size"][0] == 100


def test_a_folder_that_is_away_or_not_mounted_is_no_empty_one(world: World) -> None:
    (world.folder / "a.txt").write_text("a")
    (world.folder / ".here").write_text("")
    world.options = {"marker": ".here"}
    world.look()
    away = world.folder.with_name("away")
    world.folder.rename(away)
    with pytest.raises(RetriableSource, match="share"):
        world.look()
    world.folder.mkdir()
    with pytest.raises(RetriableSource, match=r"\.here"):
        world.look()
    world.folder.rmdir()
    world.folder.write_text("no folder")
    with pytest.raises(FatalSource, match="no folder"):
        world.look()
    world.folder.unlink()
    away.rename(world.folder)
    assert world.look() == []
    assert world.collector().check().checks[0].ok


def test_large_files_are_compared_by_size_and_time_only(world: World) -> None:
    (world.folder / "image.raw").write_bytes(b"\x00" * 10)
    world.options = {"largest_mib": "0"}
    (record,) = world.look()
    assert "sha256" not in said(record)


def test_many_texts_that_do_not_fit_into_a_snapshot_need_a_person(world: World) -> None:
    world.options = {"text_kib": "1024"}
    for number in range(MAX_SNAPSHOT // (1024 * 1024) + 1):
        (world.folder / f"{number}.txt").write_text("x" * 1024 * 1024)
    with pytest.raises(FatalSource, match="16 MiB"):
        world.look()
    world.options = {"text_kib": "0"}
    assert len(world.look()) == MAX_SNAPSHOT // (1024 * 1024) + 1


def test_a_stop_ends_a_long_look(world: World) -> None:
    (world.folder / "a.txt").write_text("a")
    stop = threading.Event()
    stop.set()
    (batch,) = world.collector().collect(SourceState(source="share"), stop)
    assert batch.submissions == ()
    assert batch.cursor_to is None


@pytest.mark.parametrize(
    ("name", "value"), [("folder", "share"), ("text_kib", "x"), ("largest_mib", "-1"), ("baseline", "?")]
)
def test_a_wrong_option_is_named(world: World, name: str, value: str) -> None:
    world.options = {name: value}
    with pytest.raises(ConfigError, match=name):
        world.collector()
