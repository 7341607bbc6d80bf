"""What the ledger has acknowledged is there when the power comes back, whenever it went.

Whole runs are ingested by the service itself, on a disk that loses what was not synced (`tests.support.power_cut`).
The same check fails as soon as the database syncs less than it must.
"""

import os
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger import settings
from ledger.core.authority import Authority
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.service import Service
from ledger.settings import Settings
from ledger.store import engine
from tests.kill.inspection import SEALED, Inspection
from tests.kill.producer import Producer
from tests.support.power_cut import Disk

SEED = int(os.environ.get("TRAILSEAL_SEED", "20261125"))
CUTS = 120 if "TRAILSEAL_SOAK" in os.environ else 8
OPERATIONS = 2_500
"""Operations of the disk within which the power goes."""
ENDLESS = 1_000_000
SOURCES = ("line-1", "line-2")
AUTHORITY = Authority(actor="local:tester", authenticated=False)
CHOSEN = Settings(origin="plant.example/ledger")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new ledger with its sources."""
    folder = tmp_path_factory.mktemp("template") / "ledger"
    made = create(folder, CHOSEN, AUTHORITY)
    for source in SOURCES:
        made.sources.register(SourceConfig(id=source, type="push", title=source, seal=tuple(SEALED)), AUTHORITY)
    made.publisher.publish_all()
    made.close()
    return folder


class Machine:
    """A machine with a ledger on a disk of its own, until its power goes; then what is left of both."""

    def __init__(self, folder: Path, template: Path, disk: Disk, seed: int) -> None:
        self.running, self.after = folder / "running", folder / "after"
        self.producers = [Producer(source, seed, keyed=False) for source in SOURCES]
        self.disk = disk
        disk.at_cut = self._keep_small_files
        shutil.copytree(template, self.running)
        _set_database(self.running, disk.url("ledger.sqlite"))

    def work(self, runs: int) -> None:
        """Sends so many runs of each source, all at the same time, and publishes checkpoints, until the power goes: at
        the latest when all is sent, with the ledger open.
        """
        opened = Service(self.running)
        threads = [threading.Thread(target=self._send, args=(opened, producer, runs)) for producer in self.producers]
        try:
            for thread in threads:
                thread.start()
            while self.disk.on and any(thread.is_alive() for thread in threads):
                opened.publisher.publish_all()
        finally:
            for thread in threads:
                thread.join()
            self.disk.cut()
            opened.close()

    def inspect(self, dice: random.Random | None) -> int:
        """Starts again from what the cut left; returns how many acknowledged records were asked for.

        Raises AssertionError, naming the record, if one is lost, and whatever else is wrong with the ledger.
        """
        for name, content in self.disk.after_cut(dice).items():
            (self.after / Path(name).name).write_bytes(content)
        _set_database(self.after, CHOSEN.database)
        Inspection(self.after, self.producers).check()
        started = Service(self.after)
        try:
            started.publisher.publish_all()  # raises RolledBack if less is there than was signed for
            for producer in self.producers:
                if producer.pending is not None:  # sent again, as a collector does: it may be there already
                    producer.acknowledge(producer.pending, started.ingest.submit(producer.pending, AUTHORITY))
                    producer.pending = None
        finally:
            started.close()
        Inspection(self.after, self.producers).check()
        return sum(len(producer.acknowledged) for producer in self.producers)

    def _send(self, opened: Service, producer: Producer, runs: int) -> None:
        for _ in range(runs):
            producer.pending = producer.next_run()
            receipt = opened.ingest.submit(producer.pending, AUTHORITY)
            if not self.disk.on:
                return  # a receipt that nobody saw
            producer.acknowledge(producer.pending, receipt)
            producer.pending = None

    def _keep_small_files(self) -> None:
        """Settings, keys and the signer's state are written durably, or not yet."""
        shutil.copytree(self.running, self.after, ignore=shutil.ignore_patterns("ledger.sqlite*", "*.new"))


def _set_database(folder: Path, url: str) -> None:
    chosen, _ = settings.load(folder)
    file = folder / settings.FILE_NAME
    text = file.read_text()
    assert text.count(chosen.database) == 1
    file.write_text(text.replace(chosen.database, url))


@contextmanager
def machine(folder: Path, template: Path, seed: int) -> Iterator[Machine]:
    with Disk() as disk:
        try:
            yield Machine(folder, template, disk, seed)
        finally:
            shutil.rmtree(folder)


@pytest.mark.parametrize("cut", range(CUTS))
def test_no_acknowledged_record_is_lost_when_the_power_goes_in_an_append(
    template: Path, tmp_path: Path, cut: int
) -> None:
    dice = random.Random(SEED + cut)
    with machine(tmp_path / "machine", template, SEED + cut) as cut_off:
        # Evenly over the work: a checkpoint of the write-ahead log every few runs, one of the log beside them.
        cut_off.disk.cut_at = 1 + int((cut + dice.random()) * OPERATIONS / CUTS)
        cut_off.work(ENDLESS)
        cut_off.inspect(None if cut % 3 == 0 else dice)


@pytest.mark.parametrize("runs", [1, 3, 10])
@pytest.mark.requirement("R75")
def test_no_acknowledged_record_is_lost_when_the_power_goes_after_an_append(
    template: Path, tmp_path: Path, runs: int
) -> None:
    with machine(tmp_path / "machine", template, SEED + runs) as cut_off:
        cut_off.work(runs)
        assert cut_off.inspect(None) >= runs * len(SOURCES)


@pytest.mark.parametrize(("level", "value"), [("OFF", 0), ("NORMAL", 1)])
def test_the_same_cut_loses_acknowledged_records_once_durability_is_lowered(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str, value: int
) -> None:
    prepare = engine._prepare_sqlite

    def lowered(raw: Any, record: Any) -> None:
        prepare(raw, record)
        raw.execute(f"PRAGMA synchronous = {level}").close()

    with machine(tmp_path / "machine", template, SEED + 3) as cut_off:
        with monkeypatch.context() as patched:
            patched.setattr(engine, "_prepare_sqlite", lowered)
            patched.setitem(engine._SQLITE_DURABLE, "synchronous", value)  # else it refuses to start
            cut_off.work(3)
        with pytest.raises(AssertionError, match=r"was acknowledged as entry \d+, now it is in None"):
            cut_off.inspect(None)


def test_a_disk_that_does_not_sync_loses_what_a_ledger_has_acknowledged(template: Path, tmp_path: Path) -> None:
    with machine(tmp_path / "machine", template, SEED + 3) as cut_off:
        cut_off.disk.syncs = False
        cut_off.work(3)
        with pytest.raises(AssertionError, match=r"was acknowledged as entry \d+, now it is in None"):
            cut_off.inspect(None)
