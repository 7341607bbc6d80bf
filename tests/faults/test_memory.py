"""A process gets no more memory: what it appended is there in whole transactions, and the same command completes it.

A process that the system kills for its memory dies as by any other SIGKILL: those are in `tests/kill`.
"""

import re
import resource
from pathlib import Path

from tests.kill.appending import run
from tests.support.serving import Command


def test_an_append_that_gets_no_more_memory_is_completed_by_the_same_file_again(tmp_path: Path) -> None:
    ended: list[tuple[int | None, str]] = []

    def starve(command: Command) -> None:
        """From now on the process gets no address space but what it has."""
        found = re.search(r"^VmSize:\s+(\d+) kB$", Path(f"/proc/{command.pid}/status").read_text(), re.MULTILINE)
        if found:
            size = int(found[1]) * 1024
            resource.prlimit(command.pid, resource.RLIMIT_AS, (size, size))
        ended.append((command.wait(), command.tail()))

    assert run(kills=3, lines=1500, seed=20261129, folder=tmp_path, blow=starve) >= 1
    assert len(ended) == 3
    assert any(code for code, _ in ended), "each was given all that it needed"
    for code, told in ended:
        # A library that does not look whether it was given memory dies by a signal: that is as good as a kill. SQLite
        # calls it an I/O error where it is its shared memory that does not grow.
        assert code is not None
        assert code <= 0 or re.search("there is not enough memory|disk I/O error", told), (code, told)
