"""An old audit trail is imported, stopped, gone on with, reconciled and stated to be a true copy at the terminal."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest

from collectors.archive.archive import Archive
from collectors.archive.pieces import Piece
from ledger.core.errors import FatalSource
from ledger.sources.imports import Imports
from tests.cli.conftest import SOURCE, Site, filled

MAPPING = """
name = "old-lims"
version = 3
title = "Old LIMS"
[record]
id = "entry.no"
action = { path = "entry.what", map = { U = "update", D = "delete" } }
occurred_at = { at = "entry.when", format = "%d.%m.%Y %H:%M:%S" }
actor.account = "entry.who"
object = { type = { text = "sample" }, id = "entry.sample" }
[[record.changes]]
attribute = "entry.field"
old = "entry.old"
new = "entry.new"
"""
HEADER = "no;when;who;what;sample;field;old;new\n"


@pytest.fixture
def own(tmp_path: Path) -> Site:
    """A ledger that the test changes."""
    return filled(tmp_path)


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "old-lims.toml"
    path.write_text(MAPPING)
    return path


def trail(path: Path, count: int, bad: int = 0) -> Path:
    """A trail of two years and three users; the last rows are of an action that nobody knows."""
    rows = []
    for number in range(count):
        what = "?" if number >= count - bad else "U"
        when = f"{number % 28 + 1:02}.03.{2011 + number % 2} 10:00:00"
        rows.append(f"{number};{when};user{number % 3};{what};S-{number};ph;7,{number};7,{number + 1}\n")
    path.write_text(HEADER + "".join(rows))
    return path


def arguments(file: Path, mapping: Path, *more: str) -> tuple[str, ...]:
    return (
        *("import", str(file), "--source", "old-lims", "--mapping", str(mapping), "--option", "delimiter=;"),
        *("--zone", "Europe/Berlin", "--reason", "switched off", "--json", *more),
    )


def test_from_a_dry_run_to_a_true_copy(
    own: Site, mapping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = trail(tmp_path / "trail.csv", 30)
    digest = sha256(file.read_bytes()).hexdigest()
    seen = own("import", file, "--source", "old-lims", "--option", "delimiter=;", "--dry-run", "--json")
    assert (seen.code, seen.json()["rows"], seen.json()["shown"][0]["entry"]["who"]) == (0, 30, "user0")
    looked = own(*arguments(file, mapping, "--dry-run", "--expect-rows", "30")).json()
    assert (looked["records"], looked["differences"], looked["sha256"]) == (30, [], digest)
    assert looked["shown"][1]["record"]["occurred_at"]["instant_us"] == 1330678800000000
    assert own("imports", "list", "--json").json() == []
    other = own(*arguments(file, mapping, "--sha256", "0" * 64))
    assert (other.code, "not the file" in other.err) == (1, True)
    (tmp_path / "totals.csv").write_text("by,value,records\nyear,2011,15\nyear,2012,15\n")
    figures = ("--expect-rows", "30", "--sha256", digest, "--totals", str(tmp_path / "totals.csv"))
    done = own(*arguments(file, mapping, *figures, "--total", "user:user0=10", "--total", "user:user1=10",
                          "--total", "user:user2=10", "--continues-in", SOURCE))  # fmt: skip
    assert done.code == 0, done.err
    known = done.json()
    assert (known["state"], known["last"]["mapping"]) == ("reconciled", "old-lims@3")
    assert known["last"]["live_from"] is not None
    key = known["last"]["id"]
    found = own("search", "S-7", "--json").json()["found"]
    assert [one["imported"] for one in found] == [True]
    assert "(imported)" in own("search", "S-7").out
    assert "(imported)" not in own("search", "TIC101.SP").out
    sample = str(found[0]["index"])
    assert "imported from an old audit trail" in own("show", sample).out
    state = ("imports", "true-copy", key, "--sample", sample, "--reason", "migration plan", "--file", file, "--json")
    alone = own(*state)
    assert (alone.code, "Somebody else" in alone.err) == (1, True)
    monkeypatch.setenv("LOGNAME", "quality")
    stated = own(*state)
    assert stated.code == 0, stated.err
    assert stated.json()["true_copy"]["authority"]["actor"] == "local:quality"
    assert digest in own("imports", "show", key, "--recount").out
    assert "import old-lims/" in own("source", "coverage", "old-lims").out
    tried = own("source", "try-mapping", "--mapping", mapping, "--source", "old-lims", "--last", "3", "--json")
    assert [one["same"] for one in tried.json()] == [True] * 3
    for source in ("old-lims", SOURCE):
        assert own("source", "life", source, "--json").json()["imports"][0]["seam"] == "gap"
        told = own("source", "statement", source).out
        assert "live collection by erp begins at" in told
        assert "neither import nor live collection reaches" in told
    assert own(*arguments(file, mapping, *figures)).code == 1
    assert own("verify").code == 0
    assert own("package", "--query", '{"source":"old-lims"}', "--out", tmp_path / "old.zip").code == 0
    assert "imported from an old audit trail" in _report(tmp_path / "old.zip", tmp_path)


def test_figures_that_differ_leave_the_import_open_and_rows_that_are_no_records_are_kept(
    own: Site, mapping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = trail(tmp_path / "trail.csv", 10, bad=2)
    done = own(*arguments(file, mapping, "--expect-rows", "11", "--total", "year:2011=5"))
    assert (done.code, done.json()["state"]) == (1, "open")
    key = done.json()["last"]["id"]
    told = own("imports", "show", key).out
    assert "rows: 11 expected, 10 found" in told
    assert "rows that are no records: 0 expected, 2 found" in told
    monkeypatch.setenv("LOGNAME", "quality")
    sample = str(own("search", "S-3", "--json").json()["found"][0]["index"])
    common = ("imports", "true-copy", key, "--sample", sample, "--reason", "plan")
    assert own(*common, "--explain", "rows=the last one was made after the export").code == 1
    names = [one["what"] for one in done.json()["last"]["outcome"]["differences"]]
    explained = [word for name in names for word in ("--explain", f"{name}=looked at each")]
    stated = own(*common, *explained)
    assert (stated.code, "looked at each" in stated.out) == (0, True), stated.err
    again = own("collect")
    assert (again.code, own("collect", "old-lims").code) == (0, 1)
    refused = own("append", own.file, "--source", "old-lims")
    assert (refused.code, "is an archive" in refused.err) == (1, True)


@pytest.mark.parametrize("wrong", [("--total", "decade:2010=1"), ("--total", "year:2011"), ("--option", "colour=red"),
                                   ("--option", "format=sql"), ("--live-from", "soon"),
                                   ("--continues-in", "nobody")])  # fmt: skip
def test_what_cannot_be_is_named_and_nothing_is_stored(
    wrong: tuple[str, str], site: Site, tmp_path: Path, mapping: Path
) -> None:
    answer = site(*arguments(trail(tmp_path / "trail.csv", 3), mapping, *wrong))
    assert (answer.code, answer.out, "Traceback" in answer.err) == (1, "", False)
    assert "old-lims" not in site("source", "list").out
    live = site("import", tmp_path / "trail.csv", "--source", SOURCE, "--mapping", mapping, "--reason", "x")
    assert (live.code, "collected live" in live.err) == (1, True)


@pytest.mark.parametrize(
    ("data", "options", "named"),
    [
        (b"\x1f\x8b\x08\x00", (), "gzip"),
        (b"PGDMP\x01", ("format=sql", "table=t"), "pg_restore"),
        (b"no;when\n", (), "no row"),
        (b"SELECT 1;", ("format=sql", "table=t"), "dialect"),
        (b"-- MySQL dump\nINSERT INTO other VALUES (1);", ("format=sql", "table=t"), "rows of: other"),
        (b"-- MySQL dump\nINSERT INTO t VALUES (1);", ("format=sql", "table=t"), "option columns"),
        (b"<!DOCTYPE a><a><Event/></a>", ("format=xml", "items=Event"), "document type"),
        (b"<a><Event/></a>", ("format=xml", "items=Row"), "no row"),
    ],
)
def test_a_file_that_is_no_trail_is_told_before_anything_is_stored(
    data: bytes, options: tuple[str, ...], named: str, site: Site, tmp_path: Path, mapping: Path
) -> None:
    (tmp_path / "trail").write_bytes(data)
    chosen = [word for option in options for word in ("--option", option)]
    answer = site(*arguments(tmp_path / "trail", mapping, *chosen))
    assert (answer.code, answer.out, named in answer.err) == (1, "", True), answer.err
    assert "old-lims" not in site("source", "list").out


def test_an_import_that_is_killed_in_the_middle_goes_on_and_doubles_nothing(
    own: Site, mapping: Path, tmp_path: Path
) -> None:
    count = 3000
    file = trail(tmp_path / "trail.csv", count)
    command = arguments(file, mapping, "--expect-rows", str(count))
    program = [sys.executable, "-c", "import sys; from ledger.cli.app import run; sys.exit(run(sys.argv[1:]))"]
    process = subprocess.Popen(
        [*program, *command, "--ledger", str(own.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and _rows(own) < 500 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = _rows(own)
    assert 500 <= before < count, "killed too late to show anything"
    assert own("imports", "list", "--json").json()[0]["state"] == "running"
    done = own(*command)
    assert done.code == 0, done.err
    counts = done.json()["last"]["outcome"]["counts"]
    assert counts == {"rows": count, "appended": count, "duplicates": 0, "quarantined": 0, "records": count}
    assert _rows(own) == count
    assert own("verify").code == 0


def test_an_import_that_stops_for_whatever_reason_is_gone_on_with_or_ended(
    own: Site, mapping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 2200
    file = trail(tmp_path / "trail.csv", count)
    command = arguments(file, mapping, "--expect-rows", str(count))
    whole = Archive.pieces

    def broken(archive: Archive) -> Iterator[Piece]:
        yield from islice(whole(archive), 1500)
        raise FatalSource("the disk is gone", advice="Bring it back.")

    monkeypatch.setattr(Archive, "pieces", broken)
    assert "the disk is gone" in own(*command).err
    (known,) = own("imports", "list", "--json").json()
    held = _rows(own)
    assert (known["state"], 0 < held < count) == ("running", True)
    monkeypatch.setattr(Archive, "pieces", whole)
    ended = own("imports", "end", known["last"]["id"], "--reason", "the disk was gone", "--json")
    assert (ended.code, ended.json()["state"]) == (1, "open")
    real = Imports.finish

    def killed(*_: object, **__: object) -> None:
        raise FatalSource("killed before the end", advice="Go on.")

    monkeypatch.setattr(Imports, "finish", killed)
    assert own(*command).code == 1
    monkeypatch.setattr(Imports, "finish", real)
    done = own(*command)
    assert (done.code, done.json()["state"]) == (0, "reconciled"), done.err
    counts = done.json()["last"]["outcome"]["counts"]
    assert counts == {
        "rows": count,
        "appended": count - held,
        "duplicates": held,
        "quarantined": 0,
        "records": count,
    }


def _report(package: Path, folder: Path) -> str:
    """The words of a package's report, with single spaces."""
    with zipfile.ZipFile(package) as opened:
        (name,) = [one for one in opened.namelist() if one.endswith("report.pdf")]
        path = opened.extract(name, folder)
    return " ".join(subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout.split())


def _rows(site: Site) -> int:
    with closing(sqlite3.connect(site.folder / "ledger.sqlite", timeout=30)) as connection:
        found: int = connection.execute("SELECT count(*) FROM record WHERE source = 'old-lims'").fetchone()[0]
    return found
