"""`trailseal append FILE`, killed and given the same file again, until all of it is in the ledger."""

import random
from pathlib import Path

import msgspec

from ledger.core.authority import Authority
from ledger.core.entry import decode_leaf
from ledger.core.record import RecordBody
from ledger.core.source import SourceConfig
from ledger.service import Service, create
from ledger.settings import Settings
from tests.bench.corpus import submissions
from tests.support.serving import Command, StillRunning

AUTHORITY = Authority(actor="local:tester", authenticated=False)
SOURCE = "bench"
CHUNK = 500
"""Lines that one transaction of the command takes."""


def run(kills: int, lines: int, seed: int, folder: Path) -> int:
    """Appends a file of `lines` records, killed up to `kills` times; returns how often it was, before the end.

    Raises AssertionError where a record is missing, doubled, of other content or out of its place in the file.
    """
    dice = random.Random(seed)
    sent = [msgspec.json.encode(one.record) for one in submissions(lines, seed=seed)]
    file = folder / "records.jsonl"
    file.write_bytes(b"\n".join((*sent, b"")))
    ledger = folder / "ledger"
    service = create(ledger, Settings(origin="plant.example/appended"), AUTHORITY)
    service.sources.register(SourceConfig(id=SOURCE, type="push", title=SOURCE, seal=()), AUTHORITY)
    service.close()
    killed, before = 0, 0
    arguments = ["append", str(file), "--source", SOURCE, "--ledger", str(ledger)]
    for at in range(kills):
        command = Command(arguments, folder / "append.log")
        try:
            # Longer and longer, so that some die before their first commit and some after their last.
            code = command.wait(dice.uniform(0.01, 0.3) * (at + 1))
            assert code == 0, command.tail()
        except StillRunning:
            command.kill()
            killed += 1
        stored = _stored(ledger)
        assert stored == sent[: len(stored)], "the records are not the first lines of the file, in order"
        assert len(stored) >= before
        assert len(stored) % CHUNK == 0 or len(stored) == lines, "a part of a transaction is there"
        before = len(stored)
    command = Command(arguments, folder / "append.log")
    assert command.wait() == 0, command.tail()
    assert _stored(ledger) == sent
    return killed


def _stored(folder: Path) -> list[bytes]:
    """The records of the log as they were sent, in order; the log verifies."""
    service = Service(folder)
    try:
        with service.store.reader(1) as reader:
            bodies = [
                stored.body
                for stored in reader.entries(0, reader.head().size)
                if decode_leaf(stored.leaf).kind == "record" and stored.body is not None
            ]
        report = service.verifier.run(service.log())
        assert report.holds, report.summary
    finally:
        service.close()
    return [msgspec.json.encode(msgspec.json.decode(body, type=RecordBody).record) for body in bodies]
