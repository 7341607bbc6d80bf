"""Whatever a log's program, its rotation and the collector's death do in whatever order: each line is read once."""

import contextlib
import gzip
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.entries import ENTRY_OPTIONS, FORMATS, EntryReader
from collectors.infra.lines import line_item, make_line, read_line
from collectors.infra.splitting import Rules, Splitter
from collectors.infra.tail import Tail
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, ConfigError, SkippableRecord
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink

MAPPING = """
name = "plain"
version = 1
title = "Plain lines"
[record]
id = { join = ["file.number", "file.offset"], by = "@" }
action = { text = "update" }
occurred_at = { at = { text = "0" }, format = "unix" }
object = { type = { text = "thing" }, id = { text = "1" } }
[[record.changes]]
attribute = { text = "text" }
new = "text"
"""
STEPS = st.lists(
    st.sampled_from(
        [
            "line",
            "lines of a busy day",
            "half a line",
            "rename",
            "copy and truncate",
            "copy, read and truncate",
            "pack",
            "pull",
            "killed",
        ]
    ),
    max_size=14,
)


class World:
    """A log file, who writes and rotates it, and who reads it."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "app.log"
        self.log.touch()
        self.sink = MemorySink("app")
        self.lines: list[str] = []
        self.half = ""

    def do(self, step: str) -> None:
        getattr(self, step.replace(",", "").replace(" ", "_"))()

    def line(self) -> None:
        self._write(f"{self.half}{len(self.lines):070}\n")

    def lines_of_a_busy_day(self) -> None:
        for _ in range(70):
            self.line()

    def half_a_line(self) -> None:
        self.half += "x"
        with self.log.open("a") as file:
            file.write("x")

    def rename(self) -> None:
        self._shift()
        self.log.rename(self._old(1))
        self.log.touch()
        self.half = ""

    def copy_and_truncate(self) -> None:
        self._shift()
        shutil.copy(self.log, self._old(1))
        os.truncate(self.log, 0)
        self.half = ""

    def copy_read_and_truncate(self) -> None:
        """The collector comes while the copy is there and the truncation is not."""
        self._shift()
        shutil.copy(self.log, self._old(1))
        self.pull()
        os.truncate(self.log, 0)
        self.half = ""

    def pack(self) -> None:
        for path in self.log.parent.glob("app.log.[0-9]"):
            packed = path.with_name(f"{path.name}.gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            os.utime(packed, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
            path.unlink()

    def pull(self) -> None:
        config = SourceConfig(
            id="app", type="tail", title="App", options={"path": str(self.log), "format": "text"}, mapping=MAPPING
        )
        source = Tail(config, {}, SystemClock())
        Runner(source, self.sink, SystemClock(), patience=Patience(attempts=1, first=0, longest=0)).pull()

    def killed(self) -> None:
        self.sink.on_taken = _die
        with contextlib.suppress(AccessDenied):
            self.pull()
        self.sink.on_taken = lambda _: None

    def _write(self, whole: str) -> None:
        with self.log.open("a") as file:
            file.write(whole.removeprefix(self.half))
        self.lines.append(whole.rstrip("\n"))
        self.half = ""

    def _old(self, number: int) -> Path:
        return self.log.with_name(f"app.log.{number}")

    def _shift(self) -> None:
        for number in range(20, 0, -1):
            for ending in ("", ".gz"):
                path = self.log.with_name(f"app.log.{number}{ending}")
                if path.exists():
                    path.rename(self.log.with_name(f"app.log.{number + 1}{ending}"))


def _die(_: object) -> None:
    raise AccessDenied("the process is killed")


@given(STEPS)
def test_each_line_is_read_once_whatever_happens_in_between(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for step in steps:
            world.do(step)
        world.pull()
        world.pull()
        read = [str(record.changes[0].new) for record in world.sink.records]
        assert sorted(read) == sorted(world.lines)
        assert len({record.source_record_id for record in world.sink.records}) == len(read)
        assert world.sink.changed == []
        assert world.sink.duplicates == 0


@given(st.binary(max_size=300), st.sampled_from([16, 40, 100]), st.booleans(), st.data())
def test_every_byte_is_in_one_piece_and_the_pieces_do_not_depend_on_how_it_arrives(
    text: bytes, limit: int, quoted: bool, draw: st.DataObject
) -> None:
    text = text.replace(b"\x01", b"\n")
    rules = Rules(max_bytes=limit, quoted=quoted)
    whole = [*(one := Splitter(rules)).feed(text), *one.finish()]
    at = sorted(draw.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    other = Splitter(rules)
    parts = [text[begin:end] for begin, end in zip([0, *at], [*at, len(text)], strict=True)]
    found = [piece for part in parts for piece in other.feed(part)]
    assert [*found, *other.finish()] == whole
    ends = [0, *(piece.end for piece in whole)]
    for piece, before in zip(whole, ends, strict=False):
        assert not text[before : piece.offset].strip()
        assert text[piece.offset : piece.end].removesuffix(b"\n").removesuffix(b"\r") == piece.data
    assert not text[ends[-1] :].strip()


@given(
    st.sampled_from(FORMATS),
    st.binary(max_size=200) | st.text(alphabet='a=",\\ \n\t:;|{}[]1é', max_size=60).map(str.encode),
    st.text(max_size=20),
)
def test_any_entry_is_read_or_refused_and_its_original_is_the_same_bytes(form: str, data: bytes, header: str) -> None:
    values = {option.name: option.default or "" for option in ENTRY_OPTIONS}
    values |= {"format": form, "columns": "" if form == "csv" else "a,b", "pattern": "(?P<a>[a-z]+)=(?P<b>.*)"}
    reader = EntryReader(lambda name: values[name])
    line = make_line("app.log", 1, 5, data, header.encode("utf-8", "replace").decode())
    assert line.data() == data
    with contextlib.suppress(SkippableRecord, ConfigError):
        line_item(line, reader, "utf-8")
    with contextlib.suppress(SkippableRecord):
        read_line(data)
