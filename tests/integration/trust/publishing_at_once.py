"""Processes that append and publish at once: `python -m tests.integration.trust.publishing_at_once RUNS FOLDER…`.

A child for each folder named. Prints every note text that any of them signed, a line of JSON each.
"""

import json
import os
import sys
from pathlib import Path

from ledger.core.note import NoteSignature, NoteSigner
from ledger.service import Service
from tests.support.ledgers import AUTHORITY, batch, submission


def told(signed: int) -> None:
    """From here on this process tells of each note text that it signs, before anybody can see the signature."""
    sign = NoteSigner.sign

    def telling(self: NoteSigner, text: str) -> NoteSignature:
        os.write(signed, json.dumps([os.getpid(), text]).encode() + b"\n")
        return sign(self, text)

    NoteSigner.sign = telling  # type: ignore[method-assign]


def child(number: int, folder: Path, runs: int, signed: int, ready: int, go: int) -> None:
    """Appends a run of one record and publishes, again and again."""
    told(signed)
    service = Service(folder)
    os.write(ready, b"r")
    os.read(go, 1)
    for run in range(runs):
        made = batch([submission(f"{number}.{run}", "erp")], "erp", cursor_from=service.ingest.state("erp").cursor)
        service.ingest.submit(made, AUTHORITY)
        service.publisher.publish_all()
    service.close()


def main(runs: int, folders: list[Path]) -> None:
    reading, signed = os.pipe()
    ready, is_ready = os.pipe()
    go, gone = os.pipe()
    children = []
    for number, folder in enumerate(folders):
        pid = os.fork()
        if not pid:
            os.close(reading)
            try:
                child(number, folder, runs, signed, is_ready, go)
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        children.append(pid)
    os.close(signed)
    for _ in children:
        os.read(ready, 1)
    os.write(gone, b"g" * len(children))
    with os.fdopen(reading) as lines:
        for line in lines:
            sys.stdout.write(line)
    failed = [pid for pid in children if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]
    sys.exit(len(failed))


if __name__ == "__main__":
    main(int(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
