"""Exports into copies of a folder, in processes of their own that are killed before one system call after the other.

`python -m tests.integration.tiles.killed_export LEDGER LOG FOLDER WORK STEP`: child k exports into `WORK/k`, a copy of
FOLDER, and is killed by SIGKILL before its k-th call that changes what is on disk, for k = 0, STEP, 2 STEP, … until one
is done before it is killed; its k is printed.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from ledger.service import Service
from ledger.store import checkpoints
from ledger.trust.export import export_tiles

CALLS = ("fsync", "replace", "rename", "unlink", "rmdir", "mkdir", "open")


def killed_at(number: int) -> None:
    """From here on the process kills itself before the call of that number."""
    calls = count()

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def before(*given: Any, **named: Any) -> Any:
            if next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given, **named)

        return before

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))


def export(ledger: Path, log: str, out: Path) -> None:
    """Exports up to the log's latest checkpoint."""
    service = Service(ledger)
    chosen = service.log(log)
    with service.store.reading() as connection:
        stored = checkpoints.latest(connection, chosen.number)
    killed_at(int(out.name))
    export_tiles(service.store, chosen, stored, out, lambda _done, _total: None)


def main(ledger: Path, log: str, folder: Path, work: Path, step: int) -> None:
    for number in count(0, step):
        out = work / str(number)
        shutil.copytree(folder, out)
        child = os.fork()
        if not child:
            export(ledger, log, out)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            assert status == 0, status
            print(number)
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
