"""One-way transfer at the receiver: each batch once and in order, and whatever did not come, or is none, is told."""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.agents.receiving import REFUSED_FOLDER, Received, Receiver
from ledger.core.batch import Heartbeat, SignedBatch, key_id, sign_heartbeat
from ledger.core.clock import utc_text
from ledger.core.transfer import MAX_FILE, batch_name, heartbeat_name, read_name
from ledger.findings.kinds import Finding, FindingSort
from tests.support.devices import RECORD_ORIGIN, Device
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock


class Crossing:
    """The folder at the receiver, and what a diode lets through of what the agent wrote."""

    def __init__(self, ledger: Ledger, clock: MovableClock, folder: Path) -> None:
        self.ledger = ledger
        self.clock = clock
        self.folder = folder
        self.device = Device()
        self.device.enrol(ledger)
        self.made: list[SignedBatch] = []
        for number in range(1, 6):
            self.made.append(self.device.make(number))
            self.device.sent(self.made[-1])
        log = ledger.service.record_log()
        self.receiver = Receiver(
            ledger.store,
            log.log,
            ledger.service.agents,
            log.deliveries,
            ledger.service.keys.receipt_key(log.log.name),
            folder,
            silence_s=900,
            patience_s=60,
        )

    def put(self, *numbers: int, copies: int = 2) -> None:
        for number in numbers:
            made = self.made[number - 1]
            for copy in range(copies):
                (self.folder / batch_name(made.header, copy)).write_bytes(msgspec.json.encode(made))

    def beat(self, last: int, device: Device | None = None, at_us: int | None = None) -> None:
        device = device or self.device
        told = Heartbeat(
            agent="edge1",
            key=key_id(device.public),
            epoch=1,
            last=last,
            alive_at=utc_text(self.clock.at_us if at_us is None else at_us),
        )
        signed = sign_heartbeat(told, RECORD_ORIGIN, device.seed)
        (self.folder / heartbeat_name(told)).write_bytes(msgspec.json.encode(signed))

    def look(self, after_s: float = 0) -> Received:
        self.clock.at_us += int(after_s * 1e6)
        return self.receiver.look()

    @property
    def last(self) -> int:
        return self.ledger.service.record_log().deliveries.last("edge1").number

    def findings(self) -> list[Finding]:
        with self.ledger.store.reader(RECORDS) as reader:
            bodies = [one.body for one in reader.entries(0, reader.head().size) if one.body is not None]
        kinds = self.ledger.store.kinds
        found = [kinds["finding"].decode(body) for body in bodies if b'"schema":"finding/1"' in body]
        return [one for one in found if isinstance(one, Finding)]


@pytest.fixture
def crossing(sqlite_ledger: Ledger, clock: MovableClock, tmp_path: Path) -> Crossing:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return Crossing(sqlite_ledger, clock, folder)


def test_each_batch_is_taken_once_whatever_the_order_of_the_files_and_however_often_it_comes(
    crossing: Crossing,
) -> None:
    crossing.put(3, 2)
    assert crossing.look() == Received(taken=0, known=0, troubles=()), "the first may still be on its way"
    crossing.put(1)
    assert crossing.look() == Received(taken=3, known=3, troubles=())
    crossing.put(2)
    crossing.put(4)
    assert crossing.look() == Received(taken=1, known=3, troubles=())
    assert crossing.last == 4
    assert not list(crossing.folder.glob("*.batch"))
    assert crossing.findings() == []


def test_missing_numbers_are_named_found_once_and_what_follows_them_waits(crossing: Crossing) -> None:
    crossing.put(1, 3, 5)
    assert crossing.look().troubles == ()
    (trouble,) = crossing.look(after_s=61).troubles
    assert "batches 2, 4 did not come" in trouble.what
    assert crossing.look(after_s=5).troubles == (trouble,), "it is told as long as it is so"
    (finding,) = crossing.findings()
    assert (finding.sort, "batches 2, 4" in finding.detail) == (FindingSort.BATCHES_MISSING, True)
    assert crossing.last == 1
    crossing.put(2)
    assert crossing.look(after_s=1).taken == 2
    (trouble,) = crossing.look(after_s=61).troubles
    assert "batches 4 did not come" in trouble.what
    crossing.put(4)
    assert crossing.look() == Received(taken=2, known=2, troubles=())
    assert len(crossing.findings()) == 2


def test_a_lost_tail_is_known_by_the_sign_of_life(crossing: Crossing) -> None:
    crossing.put(1)
    crossing.beat(5)
    assert crossing.look().troubles == ()
    (trouble,) = crossing.look(after_s=61).troubles
    assert "batches 2 to 5 did not come" in trouble.what


def test_silence_is_told_and_an_old_sign_of_life_once_more_is_none(crossing: Crossing) -> None:
    crossing.put(1)
    crossing.beat(1)
    spoken = crossing.clock.at_us
    assert crossing.look().troubles == ()
    assert crossing.look(after_s=899).troubles == ()
    crossing.beat(1, at_us=spoken)
    (trouble,) = crossing.look(after_s=2).troubles
    assert "nothing was heard" in trouble.what
    crossing.look(after_s=100)
    assert [one.sort for one in crossing.findings()] == [FindingSort.AGENT_SILENT]
    crossing.beat(1)
    assert crossing.look().troubles == ()


def test_a_sign_of_life_of_another_key_is_set_aside(crossing: Crossing) -> None:
    crossing.beat(99, Device())
    (trouble,) = crossing.look().troubles
    assert "set aside" in trouble.what
    assert len(list((crossing.folder / REFUSED_FOLDER).iterdir())) == 1


def test_what_is_no_batch_is_set_aside_and_read_within_bounds(crossing: Crossing) -> None:
    name = batch_name(crossing.made[0].header, 0)
    (crossing.folder / name).symlink_to("/etc/hostname")
    os.mkfifo(crossing.folder / batch_name(crossing.made[1].header, 0))
    with (crossing.folder / batch_name(crossing.made[2].header, 0)).open("wb") as file:
        file.truncate(MAX_FILE + 1)
    (crossing.folder / batch_name(crossing.made[3].header, 0)).write_bytes(b"{}")
    stranger = Device().make(1)
    (crossing.folder / batch_name(crossing.made[4].header, 0)).write_bytes(msgspec.json.encode(stranger))
    (crossing.folder / "notes.txt").write_text("of somebody else")
    assert len(crossing.look().troubles) == 5
    assert crossing.look().troubles == ()
    assert crossing.last == 0
    assert {path.name for path in crossing.folder.iterdir() if not path.name.startswith(".")} == {
        REFUSED_FOLDER,
        "notes.txt",
    }


def test_a_revoked_agents_files_are_refused(crossing: Crossing) -> None:
    crossing.put(1)
    assert crossing.look().taken == 1
    crossing.ledger.service.agents.revoke("edge1", "for the test", AUTHORITY)
    crossing.put(2, copies=1)
    (trouble,) = crossing.look().troubles
    assert "not in use" in trouble.what


def test_another_process_goes_on_with_what_was_told(crossing: Crossing) -> None:
    crossing.put(2)
    crossing.look()
    crossing.look(after_s=61)
    log = crossing.ledger.open().record_log()
    crossing.receiver = Receiver(
        crossing.ledger.store,
        log.log,
        crossing.ledger.service.agents,
        log.deliveries,
        crossing.ledger.service.keys.receipt_key(log.log.name),
        crossing.folder,
    )
    assert len(crossing.look(after_s=1).troubles) == 1
    assert len(crossing.findings()) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_bytes_break_the_receiver_or_become_a_batch(crossing: Crossing, data: st.DataObject) -> None:
    good = msgspec.json.encode(crossing.made[0])
    at = data.draw(st.integers(0, len(good) - 1))
    put_in = data.draw(st.binary(max_size=8))
    changed = good[:at] + put_in + good[at + data.draw(st.integers(0, 8)) :]
    name = crossing.folder / batch_name(crossing.made[0].header, 0)
    name.write_bytes(changed)
    before = crossing.last
    crossing.look()
    assert not name.exists()
    assert crossing.last == before or msgspec.json.decode(changed, type=SignedBatch) == crossing.made[0]


@given(name=st.text(max_size=60) | st.from_regex(r"[a-z.@_-]{1,20}[0-9]{8}-[0-9]{12}-[0-9]\.batch", fullmatch=True))
def test_a_name_is_read_strictly(name: str) -> None:
    read = read_name(name)
    assert read is None or (read.agent and "/" not in name and read.number is not None)
