"""An ML-DSA-44 line beside Ed25519's: from the entry that says so no checkpoint holds without it, here and offline."""

from pathlib import Path

import pytest

from ledger.core.checkpoint import open_checkpoint
from ledger.core.cosignature import MldsaKey, cosigned_at, parse_verifier
from ledger.core.errors import ConfigError, Conflict
from ledger.core.note import Note, parse_note
from ledger.core.record import LinkKind
from ledger.integrity.fault import Fault
from ledger.packages import issue
from ledger.store import checkpoints
from ledger.trace.selection import ByBatch
from ledger.trust.key_life import Activated
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, submission

pytestmark = pytest.mark.sampled


def activate(ledger: Ledger) -> Activated:
    return ledger.service.key_life.activate(ledger.service.log(), "thirty years", AUTHORITY)


def grow(ledger: Ledger, number: int) -> int:
    ledger.submit([submission(number)], cursor_to=str(number))
    return ledger.service.publisher.publish(ledger.service.log()).size


def note(ledger: Ledger, size: int) -> Note:
    with ledger.store.reading() as connection:
        return parse_note({one.size: one.note for one in checkpoints.every(connection, RECORDS)}[size])


def replace(ledger: Ledger, size: int, made: Note) -> None:
    literal = f"X'{made.encode().hex()}'" if ledger.is_sqlite else f"'\\x{made.encode().hex()}'"
    with ledger.administrator() as connection:
        connection.exec_driver_sql(f"UPDATE checkpoint SET note = {literal} WHERE log = {RECORDS} AND size = {size}")


def fault(ledger: Ledger) -> Fault | None:
    return ledger.service.verifier.run(ledger.service.log(), levels=(3,)).fault


def test_from_its_entry_on_each_checkpoint_bears_both_lines_at_the_clock_s_time(ledger: Ledger) -> None:
    before = grow(ledger, 1)
    made = activate(ledger)
    earliest = ledger.clock.now_us() // 1_000_000
    after = grow(ledger, 2)
    latest = ledger.clock.now_us() // 1_000_000
    key = parse_verifier(made.key)
    assert isinstance(key, MldsaKey)
    assert key.name == ledger.service.log().origin
    assert [len(note(ledger, size).signatures) for size in (before, made.checkpoint.size, after)] == [1, 2, 2]
    opened = open_checkpoint(note(ledger, after).encode(), key.name, [key])
    assert earliest <= cosigned_at(opened.verified[0]) <= latest
    assert fault(ledger) is None
    other = ledger.open()
    assert len(other.publisher.publish(other.log()).note.split(b"\xe2\x80\x94 ")) == 3
    with pytest.raises(Conflict, match="already"):
        activate(ledger)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_stripped_line_is_found_by_level_3(ledger: Ledger, kept: int) -> None:
    grow(ledger, 1)
    activate(ledger)
    size = grow(ledger, 2)
    whole = note(ledger, size)
    replace(ledger, size, Note(text=whole.text, signatures=(whole.signatures[kept],)))
    found = fault(ledger)
    assert found is not None
    assert (found.table, found.index) == ("checkpoint", size - 1)
    assert "was the log's" in found.what
    replace(ledger, size, whole)
    assert fault(ledger) is None


def test_a_lost_key_stops_the_signer_and_a_revoked_one_makes_room_for_another(sqlite_ledger: Ledger) -> None:
    ledger, life = sqlite_ledger, sqlite_ledger.service.key_life
    made = activate(ledger)
    path = ledger.folder / "keys" / "records.mldsa.key"
    seed = path.read_bytes()
    path.unlink()
    with pytest.raises(ConfigError, match="not at hand"):
        grow(ledger, 1)
    path.write_bytes(seed)
    grow(ledger, 2)
    life.revoke(ledger.service.log(), made.key, "another one", AUTHORITY)
    assert not path.exists()
    assert len(note(ledger, grow(ledger, 3)).signatures) == 1
    again = activate(ledger)
    assert again.key != made.key
    assert len(note(ledger, grow(ledger, 4)).signatures) == 2
    assert fault(ledger) is None


def test_a_crash_before_the_entry_is_finished_with_the_key_that_was_made(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    log = ledger.service.log()
    ledger.service.keys.create_post_quantum_key(log.name)
    size = grow(ledger, 1)
    assert len(note(ledger, size).signatures) == 1, "no entry says yet that it signs"
    signer = ledger.service.keys.post_quantum_signer(log.name, log.origin)
    assert signer is not None
    assert activate(ledger).key == str(signer.verifier)
    assert fault(ledger) is None


def test_a_package_holds_under_both_keys_and_one_without_the_second_line_does_not(
    sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    ledger, batch = sqlite_ledger, ByBatch(kind=LinkKind.BATCH, id="B-2026-00042")
    grow(ledger, 1)
    log, early, late = ledger.service.log(), tmp_path / "early.zip", tmp_path / "late.zip"
    issue(ledger.service, log, batch, early, AUTHORITY)
    made = activate(ledger)
    issue(ledger.service, log, batch, late, AUTHORITY)
    keys = [ledger.service.vkey(log), made.key]
    for package in (early, late):
        assert verify_package(package, keys[:1]).exit_code is ExitCode.HOLDS
        assert verify_package(package, keys).exit_code is ExitCode.HOLDS
    assert verify_package(late, keys, post_quantum=True).exit_code is ExitCode.HOLDS
    told = verify_package(early, keys, post_quantum=True)
    assert told.exit_code is ExitCode.WRONG
    assert any("has no ML-DSA-44 line of the log" in line for line in told.lines())
    with pytest.raises(ConfigError, match="post-quantum"):
        verify_package(late, keys[:1], post_quantum=True)
