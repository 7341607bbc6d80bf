"""`trailseal append FILE`, killed and given the same file again, until all of it is in the ledger."""

import random
from collections.abc import Callable
from pathlib import Path

import msgspec

from ledger.core.authority import Authority
from ledger.core.entry import decode_leaf
from ledger.core.record import RecordBody
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.service import Service
from ledger.settings import Settings
from tests.bench.corpus import submissions
from tests.support.serving import END_SECONDS, Command, StillRunning

AUTHORITY = Authority(actor="local:tester", authenticated=False)
SOURCE = "bench"
CHUNK = 500
"""Lines that one transaction of the command takes."""


def run(kills: int, lines: int, seed: int, folder: Path, blow: Callable[[Command], None] = Command.kill) -> int:
    """Appends files of `lines` records, each to a ledger of its own, until `kills` appends were killed, or otherwise
    brought to an end by `blow`, which returns once the process is gone.

    Returns how many files it took. Raises AssertionError where a record is missing, doubled, of other content or out of
    its place in the file.
    """
    dice = random.Random(seed)
    killed = files = 0
    while killed < kills:
        place = folder / str(files)
        place.mkdir()
        killed += _one_file(kills - killed, lines, dice, place, blow)
        files += 1
    return files


def _one_file(kills: int, lines: int, dice: random.Random, folder: Path, blow: Callable[[Command], None]) -> int:
    """Appends one file, killed at most `kills` times; returns how often it was."""
    sent = [msgspec.json.encode(one.record) for one in submissions(lines, seed=dice.getrandbits(31))]
    file = folder / "records.jsonl"
    file.write_bytes(b"\n".join((*sent, b"")))
    ledger = folder / "ledger"
    service = create(ledger, Settings(origin="plant.example/appended"), AUTHORITY)
    service.sources.register(SourceConfig(id=SOURCE, type="push", title=SOURCE, seal=()), AUTHORITY)
    service.close()
    arguments = ["append", str(file), "--source", SOURCE, "--ledger", str(ledger)]
    killed, before = 0, 0
    while before < lines:
        command = Command(arguments, folder / "append.log")
        try:
            code = command.wait(dice.uniform(0.0, 0.8) if killed < kills else END_SECONDS)
            assert code == 0, command.tail()
        except StillRunning:
            blow(command)
            killed += 1
        stored = _stored(ledger)
        assert stored == sent[: len(stored)], "the records are not the first lines of the file, in order"
        assert len(stored) >= before, "records are lost"
        assert len(stored) % CHUNK == 0 or len(stored) == lines, "a part of a transaction is there"
        assert len(stored) == lines or command.exit_code != 0, "an append that ended well left lines out"
        before = len(stored)
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
