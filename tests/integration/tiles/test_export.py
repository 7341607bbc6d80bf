"""An export that is cut off anywhere leaves a folder that verifies, and the next one goes on from there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.core.errors import Conflict, IntegrityError
from ledger.trust import export as exporting
from tests.oracle.audit import audit
from tests.oracle.source import Folder
from tests.support.published import Log, files, log

REPOSITORY = Path(__file__).parents[3]
SMALL, MIDDLE, LARGE = 255, 300, 700
STEP = 1 if "TRAILSEAL_SOAK" in os.environ else 4
"""Every so manieth call has a process killed before it."""


class Grown:
    """A log of LARGE entries, and folders to which it was exported at earlier sizes."""

    def __init__(self, made: Log, folder: Path) -> None:
        self.log = made
        self._folder = folder
        for size in (SMALL, MIDDLE, LARGE):
            made.export(made.grow(size), folder / str(size))

    def exported(self, size: int, out: Path) -> Path:
        """A copy of the folder of that size."""
        return shutil.copytree(self._folder / str(size), out)

    def export(self, out: Path, size: int = LARGE, whole: bool = False) -> exporting.Exported:
        return self.log.export(self.log.published(size), out, whole)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    folder = tmp_path_factory.mktemp("export")
    with log(folder / "ledger") as made:
        yield Grown(made, folder)


def assert_valid(grown: Grown, out: Path, *sizes: int) -> None:
    """The folder holds the log at one of these sizes."""
    assert audit(Folder(out), grown.log.keys).size in sizes


def test_an_export_killed_before_any_of_its_calls_leaves_a_valid_folder_and_is_continued(
    grown: Grown, tmp_path: Path
) -> None:
    arguments = [str(grown.log.service.folder), grown.log.id.name, str(grown.exported(SMALL, tmp_path / "start"))]
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.tiles.killed_export", *arguments, str(tmp_path / "work"), str(STEP)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    kills = int(done.stdout)
    assert kills > 40
    whole = files(grown.exported(LARGE, tmp_path / "whole"))
    for number in range(0, kills, STEP):
        out = tmp_path / "work" / str(number)
        assert_valid(grown, out, SMALL, LARGE)
        grown.export(out)
        assert files(out) == whole, f"killed before call {number}"


def test_all_that_a_checkpoint_needs_is_durable_before_it_takes_its_name(
    grown: Grown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    synced: set[Path] = set()  # files and folders as they are durable now
    listed: set[Path] = {tmp_path}
    fsync, replace = os.fsync, Path.replace

    def fsynced(descriptor: int) -> None:
        place = Path(f"/proc/self/fd/{descriptor}").readlink()
        listed.update(place.iterdir() if place.is_dir() else ())
        synced.add(place)
        fsync(descriptor)

    def replaced(self: Path, target: Path) -> Path:
        assert self in synced, f"{target} takes its name before its bytes are durable"
        synced.discard(self)
        if target.name == "checkpoint":
            there = set(out.rglob("*")) - {self}
            assert len(there) == 15
            assert there <= listed, "the checkpoint takes its name before all that it needs"
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", fsynced)
    monkeypatch.setattr(Path, "replace", replaced)
    grown.export(out)
    assert out / "checkpoint" in listed


def test_a_full_disk_leaves_the_folder_as_valid_as_it_was(grown: Grown, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "160k"):
        grown.export(disk, SMALL)
        with pytest.raises(OSError, match="No space left"):
            grown.export(disk)
        assert_valid(grown, disk, SMALL)
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        grown.export(disk)
        assert_valid(grown, disk, LARGE)


@contextmanager
def mounted(place: Path, size: str) -> Iterator[None]:
    """A file system of its own, of that size."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_an_export_starts_where_the_folder_stands(
    grown: Grown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = grown.exported(MIDDLE, tmp_path / "out")
    looked: list[str] = []
    put = exporting._Folder.put

    def seen(self: Any, name: str, *given: Any, **named: Any) -> None:
        looked.append(name)
        put(self, name, *given, **named)

    monkeypatch.setattr(exporting._Folder, "put", seen)
    (out / "tile/entries/000").write_bytes(b"damage in what is not looked at again")
    assert grown.export(out).files == 6
    assert looked == [
        "tile/entries/001", "tile/entries/002.p/188", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2",
        "key-life.jsonl", "checkpoint",
    ]  # fmt: skip
    assert grown.export(out, whole=True) == exporting.Exported(size=LARGE, files=1, mended=1)
    assert_valid(grown, out, LARGE)


def test_partial_tiles_stay_as_long_as_no_full_one_is_there(grown: Grown, tmp_path: Path) -> None:
    out = grown.exported(SMALL, tmp_path / "out")
    grown.export(out, MIDDLE)
    assert sorted(name for name in files(out) if ".p/" in name) == [
        "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"
    ]  # fmt: skip
    grown.export(out)
    assert sorted(name for name in files(out) if ".p/" in name) == [
        "tile/0/002.p/188", "tile/1/000.p/1", "tile/1/000.p/2", "tile/entries/002.p/188"
    ]  # fmt: skip
    assert_valid(grown, out, LARGE)


@pytest.mark.parametrize("name", ["tile/1/000.p/1", "tile/0/001.p/44"])
def test_a_folder_whose_tiles_do_not_lead_to_its_checkpoint_is_not_gone_on_with(
    grown: Grown, tmp_path: Path, name: str
) -> None:
    out = grown.exported(MIDDLE, tmp_path / "out")
    damaged = bytearray((out / name).read_bytes())
    damaged[7] ^= 1
    (out / name).write_bytes(damaged)
    there = files(out)
    with pytest.raises(IntegrityError, match="do not lead to the root"):
        grown.export(out)
    assert files(out) == there
    assert grown.export(out, whole=True).mended == (name == "tile/1/000.p/1")
    assert_valid(grown, out, LARGE)


def test_two_exports_into_one_folder_at_once_are_refused(
    grown: Grown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = grown.exported(SMALL, tmp_path / "out")
    put = exporting._Folder.put
    refused = 0

    def twice(self: Any, *given: Any, **named: Any) -> None:
        nonlocal refused
        with pytest.raises(Conflict, match="another export"):
            grown.export(out)
        refused += 1
        put(self, *given, **named)

    monkeypatch.setattr(exporting._Folder, "put", twice)
    exporting.export_tiles(
        grown.log.service.store, grown.log.id, grown.log.published(LARGE), out, lambda _done, _total: None
    )
    assert refused
    assert_valid(grown, out, LARGE)
