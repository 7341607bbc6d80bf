"""Where a run of the tests keeps its files: in memory, where there is room for them; else where temporary files go.

What the tests show does not rest on it: a killed process loses nothing that it gave to the system, on a disk or in
memory; a power cut is shown on a disk that loses what was not synced (`tests.support.power_cut`), and `make soak`
stays on the disk. `python -m tests.support.scratch PID` makes the folder for a run that ends with the process PID.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")  # where the system keeps files in memory, not a file of one's own
_NEEDED: Final = 4 << 30
_NAME: Final = re.compile(r"trailseal-(\d+)")
_OPEN: Final = 0o1777
"""Servers that run under a user of their own keep files there too."""


def roomy(folder: Path) -> bool:
    """Whether a run's files fit into a folder in memory, the tests' processes beside them, and programs run from it."""
    try:
        place = os.statvfs(folder)
        available = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return False
    free = min(place.f_bavail * place.f_frsize, int(available[1]) * 1024 - _NEEDED if available else 0)
    return free >= _NEEDED and not place.f_flag & os.ST_NOEXEC and os.access(folder, os.W_OK)


def parent(memory: Path = _MEMORY) -> Path:
    """The folder in memory, unless somebody chose another by TMPDIR or it won't do."""
    return memory if "TMPDIR" not in os.environ and roomy(memory) else Path(tempfile.gettempdir())


def make(within: Path, pid: int) -> Path:
    """A folder that any user may write to, named after the run's process; those of runs that are over go."""
    for left in within.glob("trailseal-*"):
        named = _NAME.fullmatch(left.name)
        if named and not Path(f"/proc/{named[1]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = within / f"trailseal-{pid}"
    folder.mkdir()
    folder.chmod(_OPEN)
    return folder


if __name__ == "__main__":
    print(make(parent(), int(sys.argv[1])))
