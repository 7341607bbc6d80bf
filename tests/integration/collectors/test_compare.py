"""What is polled and compared, in a real ledger: it takes every run, proves it, and a new process goes on from it."""

from hashlib import sha256
from pathlib import Path

import pytest

from collectors.base import MAX_SNAPSHOT, Collector
from collectors.demo.modbus import ModbusPlc
from collectors.infra.snapshot_files import SnapshotFiles
from collectors.ot.modbus import Modbus
from collectors.runner import Progress, Runner
from ledger.core.clock import SystemClock
from ledger.core.record import Record
from ledger.core.source import SourceConfig
from ledger.service import Service
from tests.support.checking import assert_log_holds
from tests.support.ledgers import AUTHORITY, new_ledger

POINTS = "TIC101.SP = holding:10:float32 [°C] @REACTOR-1\nMode = holding:0"


class World:
    """A ledger that is closed and opened again for every pull, as by a new process each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "ledger"
        new_ledger(self.folder, clock=SystemClock()).close()

    def register(self, config: SourceConfig) -> None:
        service = Service(self.folder)
        service.record_log(None).sources.register(config, AUTHORITY)
        service.close()

    def pull(self, collector: Collector) -> tuple[Progress, list[Record], bytes | None]:
        """Progress, the newest records which derive again from the originals in the vault, and the snapshot."""
        service = Service(self.folder)
        try:
            log = service.record_log(None)
            progress = Runner(collector, log.sink(AUTHORITY), SystemClock()).pull()
            assert_log_holds(service.store, log.log.number)
            kept = log.last_originals(collector.config.id, progress.appended) if progress.appended else []
            for one in kept:
                assert collector.derive(one.original) == one.record
            return progress, [one.record for one in kept], log.ingest.state(collector.config.id).snapshot
        finally:
            service.close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_controller_is_followed_by_one_process_after_another(world: World, tmp_path: Path) -> None:
    with ModbusPlc(tmp_path / "plc") as plc:
        options = {"host": "127.0.0.1", "port": str(plc.port), "points": POINTS, "requests_per_second": "100"}
        config = SourceConfig(id="mixer", type="modbus", title="Mixer", options=options)
        world.register(config)
        progress, _, snapshot = world.pull(Modbus(config, {}, SystemClock()))
        assert (progress.appended, progress.quarantined) == (3, 0)
        assert world.pull(Modbus(config, {}, SystemClock()))[0].appended == 0
        plc.write_set_point(66.5)
        progress, records, later = world.pull(Modbus(config, {}, SystemClock()))
        assert (progress.appended, progress.duplicates) == (1, 0)
        (change,) = records[0].changes
        assert (change.old, change.new, change.unit) == ("65.0", "66.5", "°C")
        assert change.inferred is not None
        assert snapshot != later


def test_a_large_baseline_is_one_record_and_its_digest_that_of_the_snapshot_in_the_vault(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "recipes"
    folder.mkdir()
    for number in range(14):
        (folder / f"{number}.txt").write_text(chr(97 + number) * 1024 * 1024)
    config = SourceConfig(
        id="recipes", type="snapshot-files", title="Recipes", options={"folder": str(folder), "text_kib": "1024"}
    )
    world.register(config)
    _, records, snapshot = world.pull(SnapshotFiles(config, {}, SystemClock()))
    assert snapshot is not None
    assert MAX_SNAPSHOT * 3 // 4 < len(snapshot) <= MAX_SNAPSHOT
    (baseline,) = records
    assert {change.attribute: change.new for change in baseline.changes} == {
        "objects": 14,
        "snapshot-sha256": sha256(snapshot).hexdigest(),
    }
    (folder / "3.txt").unlink()
    _, records, _ = world.pull(SnapshotFiles(config, {}, SystemClock()))
    assert [(record.action.value, record.object.id) for record in records] == [("delete", "3.txt")]
