"""Cables are cut and agents killed under load, in network namespaces; `make soak` does it a hundred times each."""

import time
from pathlib import Path

from collectors.agent.spool import GAP_REASON
from tests.kill.agents import Blow, run
from tests.support.edge import Plant
from tests.support.zones import Zones

SEED = 20261125


def test_every_record_arrives_once_and_in_order_though_cables_are_cut_and_agents_killed(tmp_path: Path) -> None:
    tally = run({Blow.CUT: 3, Blow.KILL: 3}, SEED, tmp_path)
    assert tally.records > 75
    assert tally.batches > 15


def test_a_cut_that_outlasts_the_spool_holds_the_source_up_and_stands_as_a_gap(tmp_path: Path) -> None:
    with Zones(1) as zones, Plant(tmp_path, host="0.0.0.0", namespace=zones.ledger) as plant:
        site = plant.add(
            "edge0", ["line0"], host=zones.address(0), namespace=zones.zones[0], limits="{ spool_mib = 1 }"
        )
        file = site.files["line0"]
        file.add(20)
        site.start()
        site.until(lambda status: status.delivered > 2)
        zones.cut(0)
        file.add(4000)
        full = site.until(lambda status: any("full" in source.trouble for source in status.sources))
        assert full.held_bytes <= 1024 * 1024
        assert full.waiting
        file.add(500)
        zones.mend(0)
        deadline = time.monotonic() + 90
        while plant.numbers("line0") != list(range(file.written)):
            site.require_running()
            assert time.monotonic() < deadline, site.status()
            time.sleep(0.3)
        gaps = [gap for body in plant.runs("line0") for gap in body.get("gaps", ())]
        assert [gap["reason"] for gap in gaps][:1] == [GAP_REASON]
        assert all(gap["between"]["after"] <= gap["between"]["before"] for gap in gaps)
        site.stop()
        plant.verify()
