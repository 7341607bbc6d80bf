"""`trailseal append` is killed: whole transactions are there or none, and the same file again completes it."""

from pathlib import Path

from tests.kill.appending import run


def test_a_killed_append_is_completed_by_the_same_file_again_without_a_double(tmp_path: Path) -> None:
    assert run(kills=3, lines=1500, seed=20261125, folder=tmp_path) >= 1
