"""After a clock ran ahead, logs go on in the right time once two people signed what they go back over; not else."""

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.audit import Audit
from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import (
    AccessDenied,
    ClockOutOfBounds,
    Conflict,
    NotAuthenticated,
    NotSignatory,
    SelfApproval,
)
from ledger.core.note import parse_note
from ledger.core.time_epoch import TimeEpochEntry
from ledger.service import Service
from ledger.signing.time_epochs import TimeEpochs
from ledger.store.append import Appender
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.export import export_published
from ledger.trust.published import FolderTiles
from tests.support.founded import founded
from tests.support.signers import CHEAP, LIGHT, Plant, Signer

YEAR_S = 365 * 86_400.0
Broken = Callable[[TimeEpochEntry], TimeEpochEntry]


def jump(made: Plant) -> None:
    """The clock goes a year ahead, records and an account come, and it is set right again."""
    made.records(1)
    made.clock.pass_seconds(YEAR_S)
    made.records(2)
    made.service.people.create_account("late", "Late", "made a year ahead", made.root)
    made.clock.pass_seconds(60 - YEAR_S)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    made = founded(tmp_path_factory.mktemp("ahead") / "ledger")
    jump(made)
    made.close()
    return made


@pytest.fixture(params=["postgresql"])
def jumped_on_postgresql(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Plant]:
    made = founded(tmp_path / "ledger", request=request)
    jump(made)
    yield made
    made.close()


@pytest.fixture
def jumped(first: Plant, tmp_path: Path) -> Iterator[Plant]:
    """Such a ledger once more: nothing is taken in."""
    made = copy.copy(first)
    shutil.copytree(first.service.folder, tmp_path / "ledger")
    made.clock = copy.copy(first.clock)
    made.service = Service(tmp_path / "ledger", made.clock, effort=CHEAP, sealing=LIGHT)
    made.signing, made.root = made.service.signing, made.service.people.local("root")
    made.officer, made.quality = copy.copy(first.officer), copy.copy(first.quality)
    made.officer.plant = made.quality.plant = made
    with pytest.raises(ClockOutOfBounds):
        made.records(1)
    yield made
    made.close()


def begun(plant: Plant, *signers: Signer, change: Broken = lambda entry: entry) -> tuple[str, ...]:
    epochs = plant.service.time_epochs
    first, second = signers or (plant.officer, plant.quality)
    said = epochs.statement((first.account, second.account), "the battery was empty")
    signatures = tuple(epochs.sign(said, one.account, one.secret) for one in (first, second))
    made = change(TimeEpochEntry(statement=said, signatures=signatures, authority=plant.root))
    return epochs.enter(made.statement, made.signatures, plant.root)


def faults(plant: Plant) -> dict[tuple[str, int], str]:
    plant.service.publisher.publish_all()
    found = {}
    for log in plant.service.store.logs():
        for level in plant.service.verifier.run(log, full=True, levels=(1, 2, 3, 4)).result.levels:
            if level.fault is not None:
                found[log.name, level.level] = level.fault.what
    return found


def times(plant: Plant, log: int) -> list[str]:
    with plant.service.store.reader(log) as reader:
        return [decode_leaf(one.leaf).logged_at for one in reader.entries(0, reader.head().size)]


def test_two_people_sign_what_the_logs_go_back_over_and_every_level_holds(jumped: Plant, tmp_path: Path) -> None:
    goes_on(jumped, tmp_path)


def test_on_postgresql_the_logs_go_on_the_same_way(jumped_on_postgresql: Plant, tmp_path: Path) -> None:
    with pytest.raises(ClockOutOfBounds):
        jumped_on_postgresql.records(1)
    goes_on(jumped_on_postgresql, tmp_path)


def goes_on(jumped: Plant, tmp_path: Path) -> None:
    now = utc_text(jumped.clock.now_us())
    system, records = begun(jumped)
    assert jumped.service.time_epochs.ahead() == ()
    jumped.records(2)
    jumped.officer.sign_in()
    for log, address in ((SYSTEM_LOG, system), (1, records)):
        at = int(address.rpartition("#")[2])
        told = times(jumped, log)
        assert told[at - 1] > told[at] >= now
        assert told[at:] == sorted(told[at:])
    assert faults(jumped) == {}
    assert jumped.service.cases.all() == []
    export_published(jumped.service.store, tmp_path / "tiles")
    place = tmp_path / "tiles" / "records"
    checkpoint = Checkpoint.parse(parse_note((place / "checkpoint").read_bytes()).text)
    Audit(FolderTiles(place), checkpoint).run({})
    with pytest.raises(Conflict, match="no log is ahead"):
        begun(jumped)


def test_nobody_goes_back_alone_nor_without_their_secret_nor_where_the_clock_is_the_wrong_one(jumped: Plant) -> None:
    epochs, officer, quality = jumped.service.time_epochs, jumped.officer, jumped.quality
    with pytest.raises(SelfApproval):
        begun(jumped, officer, officer)
    said = epochs.statement((officer.account, quality.account), "the battery was empty")
    with pytest.raises(NotAuthenticated):
        epochs.sign(said, officer.account, quality.secret)
    with pytest.raises((AccessDenied, NotSignatory)):
        epochs.sign(said, "late", "no secret of anybody's")
    proven = TimeEpochs(jumped.service.store, jumped.service.signing.keys, jumped.clock.now_us)
    with pytest.raises(ClockOutOfBounds, match="proves that it is later"):
        proven.statement((officer.account, quality.account), "the battery was empty")
    signatures = tuple(epochs.sign(said, one.account, one.secret) for one in (officer, quality))
    jumped.clock.pass_seconds(3601)
    with pytest.raises(Conflict, match="another time"):
        epochs.enter(said, signatures, jumped.root)
    assert len(epochs.ahead()) == 2, "nothing of it was entered"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: msgspec.structs.replace(entry, signatures=entry.signatures[:1]), "two people sign it"),
        (lambda entry: msgspec.structs.replace(entry, signatures=entry.signatures[::-1]), "two people sign it"),
        (lambda entry: reworded(entry), "did not sign this"),
    ],
    ids=["one", "exchanged", "reworded"],
)
def test_an_epoch_that_two_people_did_not_sign_so_is_named_by_level_4(jumped: Plant, change: Broken, said: str) -> None:
    begun(jumped, change=change)
    assert said in faults(jumped)["system", 4]


def reworded(entry: TimeEpochEntry) -> TimeEpochEntry:
    return msgspec.structs.replace(entry, statement=msgspec.structs.replace(entry.statement, reason="another"))


def test_an_entry_that_goes_back_over_anything_else_is_named_by_level_1(
    jumped: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the folder writes with a program of their own: a record in the past, and a statement of before."""
    begun(jumped)
    jumped.records(1)
    with jumped.service.store.reader(1) as reader:
        epoch = next(one for one in reader.entries(0, reader.head().size) if b'"kind":"time-epoch"' in one.leaf)
    assert epoch.body is not None
    entry = msgspec.json.decode(epoch.body, type=TimeEpochEntry)
    monkeypatch.setattr(Appender, "_time", lambda self, head, batches: (head.logged_us - 5 * MICROSECONDS, None))
    jumped.service.store.append_one(1, draft(entry))
    assert "logged before the entry before it" in faults(jumped)["records", 1]


def test_an_epoch_of_a_record_log_that_the_system_log_does_not_have_is_named_by_level_2(jumped: Plant) -> None:
    epochs: Any = jumped.service.time_epochs
    said = epochs.statement((jumped.officer.account, jumped.quality.account), "the battery was empty")
    entry = TimeEpochEntry(statement=said, signatures=(), authority=jumped.root)
    jumped.service.store.append_one(1, draft(entry))
    begun(jumped)
    assert "the system log has no such statement" in faults(jumped)["records", 2]
