"""A process gets no more memory: what it appended is there in whole transactions, and the same command completes it.

A process that the system kills for its memory dies as by any other SIGKILL: those are in `tests/kill`.
"""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Site, filled
from tests.kill.appending import run
from tests.support.serving import Command, limit_memory

WORDS = "there is not enough memory|a process that verified was ended|disk I/O error"
"""SQLite calls it an I/O error where it is its shared memory that does not grow."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return filled(tmp_path_factory.mktemp("small"))


def test_an_append_that_gets_no_more_memory_is_completed_by_the_same_file_again(tmp_path: Path) -> None:
    ended: list[tuple[int | None, str]] = []

    def starve(command: Command) -> None:
        limit_memory(command.pid, 0)
        ended.append((command.wait(), command.tail()))

    assert run(kills=3, lines=1500, seed=20261129, folder=tmp_path, blow=starve) >= 1
    assert len(ended) == 3
    assert any(code for code, _ in ended), "each was given all that it needed"
    for code, told in ended:
        # A library that does not look whether it was given memory dies by a signal: that is as good as a kill.
        assert code is not None
        assert code <= 0 or re.search(WORDS, told), (code, told)


@pytest.mark.parametrize(
    ("mib", "command"),
    [
        (0, ["verify"]),
        (24, ["verify"]),
        (24, ["verify", "--workers", "2"]),
        (0, ["package", "--batch", "B-2026-00042"]),
        (24, ["package", "--batch", "B-2026-00042"]),
    ],
)
def test_what_reads_a_ledger_without_enough_memory_says_so_and_leaves_it_as_it_was(
    site: Site, tmp_path: Path, mib: int, command: list[str]
) -> None:
    out = tmp_path / "package.zip"
    made = ["--out", str(out)] if command[0] == "package" else []
    starved = Command([*command, *made, "--ledger", str(site.folder)], tmp_path / "told", beyond=mib)
    code, told = starved.wait(), starved.printed().decode()
    assert code is not None
    assert mib or code, "it was given all that it needed"
    # A library that does not look whether it was given memory dies by a signal; a pool of processes has a thread of
    # its own, whose end the interpreter shows.
    assert code <= 0 or re.search(WORDS, told), (code, told)
    assert code <= 0 or "--workers" in command or "Traceback" not in told, told
    assert out.exists() == (code == 0 and command[0] == "package")
    if out.exists():
        assert site("verify", out, "--vkey", site.made["vkey"]).code == 0
    assert [one["state"] for one in site("incident", "list", "--json").json()] == [], "want of memory is no damage"
