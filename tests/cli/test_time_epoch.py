"""At the terminal: a ledger whose clock ran a year ahead takes nothing in until two people sign that it goes on."""

from pathlib import Path

import pytest
import typer

from tests.cli.conftest import SOURCE, lines_of
from tests.cli.terminal import trailseal
from tests.support.signers import Plant

YEAR_S = 365 * 86_400.0


def test_two_people_let_a_ledger_go_on_that_ran_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, file = tmp_path / "ledger", tmp_path / "records.jsonl"
    plant = Plant(folder, ahead_s=YEAR_S)
    plant.found()
    plant.records(1)
    plant.close()
    secrets = {f"Signing secret of {one.account}": one.secret for one in (plant.officer, plant.quality)}
    monkeypatch.setattr(typer, "prompt", lambda words, **_: secrets[words])
    of = ("--ledger", folder)
    file.write_bytes(lines_of(1, 2))
    add = ("source", "add", "mes", "--type", "push", *of)
    assert "log time-epoch" in trailseal(*add).err
    assert "log time-epoch" in trailseal("doctor", *of).out
    two = ("log", "time-epoch", "--as", plant.officer.account, "--and", plant.quality.account, "--reason", "battery")
    begun = trailseal(*two, *of)
    assert (begun.code, begun.err.count("the last one of")) == (0, 2), begun.err
    assert "Entries are taken in again" in begun.out
    assert trailseal(*add).code == 0
    assert trailseal("append", file, "--source", SOURCE, *of).code == 0
    assert trailseal("verify", "--full", *of).code == 0
    again = trailseal(*two, *of)
    assert (again.code, "no log is ahead" in again.err) == (1, True)
