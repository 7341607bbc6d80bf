"""What the drill does to entries that are new, an incremental run catches at the level where a full one does."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from ledger.core.clock import SystemClock
from ledger.core.outside import FromOutside
from ledger.domains import assembly
from ledger.drill.attack import Attack, Prepared, Target
from ledger.drill.catalogue import ATTACKS
from ledger.drill.clock import DrillClock
from ledger.drill.plant import Outside, Trust, build, drilled, open_ledger
from ledger.integrity.levels import BUILT
from ledger.integrity.verifier import Verifier
from tests.support.ledgers import record

OF_BEFORE = frozenset({"rights"})
"""Attacks on rows of entries that were verified before: a full run's to find."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A ledger of which the first half was verified in full: what is attacked lies in the second."""
    folder, clock = tmp_path_factory.mktemp("drill") / "prepared", DrillClock(SystemClock())
    ledger, earlier, outside = folder / "ledger", folder / "earlier", Outside(folder / "witnesses", clock)
    records = drilled([record(n) for n in range(60)])

    def halfway() -> None:
        with closing(open_ledger(ledger, clock)) as service:
            trust, mac = Trust(service, outside), service.keys.digests()
            with closing(Verifier(service.store, assembly, mac, 1, trust.rollback.judge)) as verifier:
                for log in service.store.logs():
                    report = verifier.run(log)
                    assert report.holds, report.summary
        shutil.copytree(ledger, earlier)

    built = build(ledger, "plant.example/drill", records, clock, outside, halfway=halfway)
    return Prepared(
        folder=ledger,
        earlier=earlier,
        origin="plant.example/drill",
        records=tuple(records),
        entries=built.entries,
        secrets=built.secrets,
        clock=clock,
        outside=outside,
    )


def caught(target: Target) -> int | None:
    """The lowest level of an incremental run that does not hold."""
    with closing(open_ledger(target.folder, target.prepared.clock)) as service:
        trust, mac = Trust(service, target.outside), service.keys.digests()
        with closing(Verifier(service.store, assembly, mac, 1, trust.rollback.judge)) as verifier:
            outside = FromOutside(policy=target.outside.policy)
            for level in BUILT:
                faults = [verifier.look(log, None, (level,), outside, full=False) for log in service.store.logs()]
                if any(faults):
                    return level
    return None


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.level is not None], ids=lambda one: one.name)
def test_an_attack_on_what_is_new_is_caught(prepared: Prepared, tmp_path: Path, attack: Attack) -> None:
    target = Target(prepared, tmp_path / attack.name)
    attack.run(target)
    # That a full run catches it at its declared level is shown beside.
    assert caught(target) == (None if attack.name in OF_BEFORE else attack.level)


def test_an_untouched_copy_holds(prepared: Prepared, tmp_path: Path) -> None:
    assert caught(Target(prepared, tmp_path / "control")) is None
