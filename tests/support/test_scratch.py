"""Runs of the tests keep their files in memory only where that holds them, and leave none behind."""

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support import scratch


def test_a_run_s_folder_is_open_to_servers_of_other_users_and_those_of_runs_that_are_over_go(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    over = scratch.make(tmp_path, ended.pid)
    (over / "kept").write_text("much")
    (foreign := tmp_path / "trailseal-notes").mkdir()
    mine = scratch.make(tmp_path, os.getpid())
    assert stat.S_IMODE(mine.stat().st_mode) == 0o1777
    assert not over.exists()
    assert foreign.exists()


def test_memory_is_taken_where_it_will_do_and_nobody_chose_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(scratch, "_NEEDED", 0)
    assert scratch.parent(tmp_path) == tmp_path
    monkeypatch.setenv("TMPDIR", str(tmp_path / "chosen"))
    assert scratch.parent(tmp_path) == Path(tempfile.gettempdir())


def test_a_folder_that_is_missing_or_has_no_room_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_NEEDED", 0)
    assert scratch.roomy(tmp_path)
    assert not scratch.roomy(tmp_path / "missing")
    monkeypatch.setattr(scratch, "_NEEDED", 1 << 60)
    assert not scratch.roomy(tmp_path)
