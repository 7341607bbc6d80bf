"""An agent that nothing comes back to: its files cross a diode that loses some, and the receiver says which."""

import time
from pathlib import Path

import pytest

from ledger.core.transfer import read_name
from tests.cli.terminal import trailseal
from tests.support.edge import Plant, Site
from tests.support.serving import Command


class Diode:
    """Moves files one way; a batch whose number is in `lost` does not arrive, in any of its copies."""

    def __init__(self, out: Path, incoming: Path) -> None:
        self.out = out
        self.incoming = incoming
        self.lost: set[int] = set()
        incoming.mkdir()

    def carry(self) -> None:
        for path in sorted(self.out.iterdir()):
            name = read_name(path.name)
            if name is None:
                continue
            data = path.read_bytes()
            path.unlink()
            if name.number not in self.lost:
                (self.incoming / path.name).write_bytes(data)


def _written(site: Site, out: Path, batches: int) -> None:
    deadline = time.monotonic() + 60
    while len({path.name.rpartition("-")[0] for path in out.glob("*.batch")}) < batches:
        site.require_running()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


def test_what_a_diode_loses_is_named_written_again_and_then_everything_is_there_in_order(
    plant: Plant, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with plant:
        site = plant.add("edge1", ["line1"], one_way="{ copies = 2, heartbeat_s = 0.3 }")
        plant.kill()
        site.files["line1"].add(1600)
        site.start("--one-way", str(out))
        _written(site, out, 6)
        site.kill()
        diode = Diode(out, tmp_path / "in")
        diode.lost = {2, 3}
        diode.carry()
        receive = ("agent", "receive", diode.incoming, "--ledger", plant.ledger, "--patience", "0")
        answer = trailseal(*receive)
        assert answer.code == 1
        assert "batches 2 to 3 did not come" in answer.out
        assert plant.numbers("line1") == list(range(len(plant.numbers("line1")))), "nothing behind the hole is taken"
        before = len(plant.deliveries("edge1"))
        assert before == 1
        diode.lost = set()
        again = trailseal("agent", "resend", site.folder, "--one-way", out, "--number", "2", "--to", "3")
        assert again.code == 0, again.err
        site.start("--one-way", str(out))
        site.files["line1"].add(100)
        deadline = time.monotonic() + 60
        while plant.numbers("line1") != list(range(1700)):
            diode.carry()
            answer = trailseal(*receive)
            assert time.monotonic() < deadline, answer.out
            time.sleep(0.3)  # the agent writes meanwhile
        site.stop()
        diode.carry()
        assert trailseal(*receive).code == 0
        headers = plant.deliveries("edge1")
        assert [header["number"] for header in headers] == list(range(1, len(headers) + 1))
        findings = trailseal("agent", "receive", diode.incoming, "--ledger", plant.ledger, "--silence", "1", "--json")
        assert findings.json()["taken"] == 0
        plant.verify()


def test_after_a_batch_that_is_lost_for_good_a_person_begins_a_new_epoch_and_the_rest_arrives(
    plant: Plant, tmp_path: Path
) -> None:
    out, start = tmp_path / "out", tmp_path / "epoch.json"
    with plant:
        site = plant.add("edge1", ["line1"], one_way="{ copies = 1, heartbeat_s = 0.3 }")
        plant.kill()
        site.files["line1"].add(1600)
        site.start("--one-way", str(out))
        _written(site, out, 4)
        diode = Diode(out, tmp_path / "in")
        diode.lost = {2}
        diode.carry()
        receive = ("agent", "receive", diode.incoming, "--ledger", plant.ledger, "--patience", "0")
        assert trailseal(*receive).code == 1
        ledger = ("--ledger", plant.ledger)
        assert trailseal("agent", "approve-epoch", "edge1", "--file", start, *ledger).code == 0
        runs = trailseal("agent", "begin-epoch", site.folder, start)
        assert (runs.code, "already" in runs.err) == (1, True)
        site.stop()
        assert trailseal("agent", "begin-epoch", site.folder, start).code == 0
        assert trailseal("agent", "begin-epoch", site.folder, start).code == 1, "it is in that epoch"
        diode.carry()
        shown = trailseal(*receive)
        assert "set aside" in shown.out, "what is left of the old epoch"
        site.start("--one-way", str(out))
        diode.lost = set()
        deadline = time.monotonic() + 60
        while sorted(plant.numbers("line1")) != list(range(1600)):
            diode.carry()
            answer = trailseal(*receive)
            assert time.monotonic() < deadline, answer.out
            time.sleep(0.3)  # the agent writes meanwhile
        site.stop()
        assert {header["epoch"] for header in plant.deliveries("edge1")} == {1, 2}
        plant.verify()


def test_receiving_goes_on_until_it_is_told_to_end(plant: Plant, tmp_path: Path) -> None:
    incoming = tmp_path / "in"
    incoming.mkdir()
    with plant:
        plant.add("edge1", ["line1"])
        arguments = ["agent", "receive", str(incoming), "--ledger", str(plant.ledger), "--follow", "0.1"]
        command = Command(arguments, tmp_path / "receive.log")
        deadline = time.monotonic() + 60
        while b"0 batches taken" not in command.printed():
            assert time.monotonic() < deadline, command.tail()
            time.sleep(0.05)
        assert command.end() == 0
    answer = trailseal("agent", "receive", tmp_path / "nowhere", "--ledger", plant.ledger)
    assert (answer.code, "no folder" in answer.err) == (1, True)
