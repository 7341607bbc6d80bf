"""Every attack of the catalogue is caught where it is declared, or not at all as is declared; and a drill can fail."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from ledger.cli.app import app
from ledger.core.clock import SystemClock
from ledger.core.record import Link, LinkBasis, LinkKind
from ledger.drill import run
from ledger.drill.attack import Attack, Prepared, Target
from ledger.drill.catalogue import ATTACKS
from tests.support.ledgers import Ledger, record, submission


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    records = [
        msgspec.structs.replace(record(n), links=(Link(kind=LinkKind.BATCH, id=f"B-{n // 5}", basis=LinkBasis.READ),))
        for n in range(60)
    ]
    return run.prepare(tmp_path_factory.mktemp("drill") / "prepared", "plant.example/drill", records, SystemClock())


def test_what_nobody_attacks_holds(prepared: Prepared, tmp_path: Path) -> None:
    (control,) = run.drill(prepared, tmp_path, [])
    assert control.as_declared, control.says


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.name)
def test_an_attack_is_caught_where_it_is_declared(prepared: Prepared, tmp_path: Path, attack: Attack) -> None:
    outcome = run.mount(prepared, attack, tmp_path / attack.name)
    assert outcome.caught == attack.level, outcome.says
    assert outcome.impact_is_planted is not False, (outcome.planted, outcome.affected)
    assert outcome.as_declared


@pytest.mark.parametrize("level", [None, 2])
def test_an_attack_that_is_caught_elsewhere_fails_the_drill(
    prepared: Prepared, tmp_path: Path, level: int | None
) -> None:
    edit = next(one for one in ATTACKS if one.name == "edit")
    outcome = run.mount(prepared, msgspec.structs.replace(edit, level=level), tmp_path / "attacked")
    assert not outcome.as_declared


def test_an_attack_that_nothing_catches_fails_the_drill(prepared: Prepared, tmp_path: Path) -> None:
    def nothing(_: Target) -> None: ...

    idle = Attack(name="idle", attacker="has nothing", does="does nothing", level=1, run=nothing)
    outcome = run.mount(prepared, idle, tmp_path / "attacked")
    assert not outcome.as_declared


def test_an_impact_list_that_is_not_the_planted_one_fails_the_drill(prepared: Prepared, tmp_path: Path) -> None:
    edit = next(one for one in ATTACKS if one.name == "edit")

    def elsewhere(target: Target) -> list[int]:
        edit.run(target)
        return [target.victim - 1]

    outcome = run.mount(prepared, msgspec.structs.replace(edit, run=elsewhere), tmp_path / "attacked")
    assert (outcome.caught, outcome.impact_is_planted, outcome.as_declared) == (1, False, False)


def test_the_drill_at_the_terminal_leaves_the_ledger_as_it_was(sqlite_ledger: Ledger) -> None:
    sqlite_ledger.submit([submission(number) for number in range(30)])
    before = sqlite_ledger.query("SELECT log, size FROM head ORDER BY log")
    done = CliRunner().invoke(
        app,
        ["drill", "--ledger", str(sqlite_ledger.folder), "--attack", "edit", "--attack", "rollback", "--json"],
    )
    assert done.exit_code == 0, done.output
    told = msgspec.json.decode(done.stdout)
    assert [(one["name"], one["caught"]) for one in told["attacks"]] == [
        ("control", None),
        ("edit", 1),
        ("rollback", 5),
    ]
    assert sqlite_ledger.query("SELECT log, size FROM head ORDER BY log") == before
