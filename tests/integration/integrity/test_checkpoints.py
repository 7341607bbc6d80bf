"""Level 3: a checkpoint that the log's key did not sign, or that the log no longer continues, is found."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection

from ledger.core.checkpoint import Checkpoint
from ledger.core.note import NoteSigner, VerifierKey, sign_note
from ledger.integrity.fault import Fault
from ledger.integrity.level3 import bindings_fault, checkpoints_fault, log_keys, read_bindings
from ledger.integrity.run import LogRun
from ledger.integrity.scope import Keys
from ledger.integrity.tasks import Here
from ledger.integrity.whole import read_heads
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import RECORDS, Ledger, submission

pytestmark = pytest.mark.sampled


def publish(ledger: Ledger, runs: int) -> None:
    for number in range(runs):
        ledger.submit([submission(number * 10 + one) for one in range(10)])
        ledger.service.publisher.publish_all()


def first_fault(ledger: Ledger, keys: Keys | None = None) -> Fault | None:
    origin = ledger.service.log().origin
    with ledger.store.reading() as connection:
        known = keys if keys is not None else log_keys(connection, ledger.store.kinds)
        return checkpoints_fault(connection, RECORDS, origin, known.get(origin, ()), lambda done: None)


def bound_fault(ledger: Ledger) -> Fault | None:
    with ledger.store.reading() as connection:
        kinds = ledger.store.kinds
        return bindings_fault(
            connection, read_heads(connection), log_keys(connection, kinds), read_bindings(connection, kinds)
        )


def rewrite(ledger: Ledger, size: int, note: bytes) -> None:
    with ledger.administrator() as connection:
        connection.exec_driver_sql(
            f"UPDATE checkpoint SET note = {'X' if ledger.is_sqlite else chr(39) + chr(92) + 'x'}"
            f"{chr(39) if ledger.is_sqlite else ''}{note.hex()}{chr(39)} WHERE log = {RECORDS} AND size = {size}"
        )


def sizes(ledger: Ledger) -> list[int]:
    return [size for (size,) in ledger.query(f"SELECT size FROM checkpoint WHERE log = {RECORDS} ORDER BY size")]


def test_checkpoints_of_an_untouched_log_hold(ledger: Ledger) -> None:
    publish(ledger, 4)
    assert len(sizes(ledger)) == 4
    assert first_fault(ledger) is None
    assert bound_fault(ledger) is None


def test_a_checkpoint_of_another_key_is_named(ledger: Ledger) -> None:
    publish(ledger, 3)
    size = sizes(ledger)[1]
    origin = ledger.service.log().origin
    with ledger.store.reader(RECORDS) as reader:
        root = reader.root(size)
    text = Checkpoint(origin=origin, size=size, root=root).text()
    rewrite(ledger, size, sign_note(text, [NoteSigner(origin, bytes(32))]))
    fault = first_fault(ledger)
    assert fault is not None
    assert (fault.index, fault.table) == (size - 1, "checkpoint")


def test_a_key_that_is_pinned_outside_decides_not_the_one_in_the_log(ledger: Ledger) -> None:
    publish(ledger, 1)
    origin = ledger.service.log().origin
    other: VerifierKey = NoteSigner(origin, bytes(32)).verifier
    assert first_fault(ledger, {origin: (other,)}) is not None


def test_a_well_signed_checkpoint_of_another_tree_is_named(ledger: Ledger) -> None:
    publish(ledger, 3)
    size = sizes(ledger)[2]
    log = ledger.service.log()
    text = Checkpoint(origin=log.origin, size=size, root=bytes(32)).text()
    rewrite(ledger, size, sign_note(text, [ledger.service.keys.log_signer(log.name, log.origin)]))
    fault = first_fault(ledger)
    assert fault is not None
    assert fault.index == size - 1
    report = ledger.service.verifier.run(log, levels=(1,))
    assert report.fault is not None
    assert (report.fault.index, report.fault.table) == (size - 1, "checkpoint")


@pytest.mark.parametrize("which", [0, -1])
def test_a_checkpoint_taken_away_is_missed_by_the_system_log(ledger: Ledger, which: int) -> None:
    publish(ledger, 3)
    size = sizes(ledger)[which]
    with ledger.administrator() as connection:
        connection.exec_driver_sql(f"DELETE FROM checkpoint WHERE log = {RECORDS} AND size = {size}")
        connection.exec_driver_sql(f"DELETE FROM checkpoint_intent WHERE log = {RECORDS} AND size = {size}")
    fault = bound_fault(ledger)
    assert fault is not None
    assert (fault.log, fault.index, fault.table) == (RECORDS, size - 1, "checkpoint")


def test_a_record_log_that_was_cut_short_contradicts_the_system_log(ledger: Ledger) -> None:
    publish(ledger, 2)
    first, last = sizes(ledger)
    with ledger.administrator() as connection:
        for table in ("checkpoint", "checkpoint_intent"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE log = {RECORDS} AND size = {last}")
        connection.exec_driver_sql(f"UPDATE head SET size = {first} WHERE log = {RECORDS}")
    fault = bound_fault(ledger)
    assert fault is not None
    assert (fault.log, fault.table) == (SYSTEM_LOG, "log_binding")


def test_a_log_that_grows_and_is_bound_while_it_is_verified_holds(ledger: Ledger) -> None:
    publish(ledger, 1)
    verifier, store = ledger.service.verifier, ledger.store
    asked = 0

    @contextmanager
    def reading() -> Iterator[Connection]:
        """After the first look, at the heads, the log goes on, and the system log is told of it."""
        nonlocal asked
        asked += 1
        if asked == 2:
            ledger.submit([submission(100)])
            ledger.service.publisher.publish_all()
            ledger.service.publisher.bind_system()
        with store.reading() as connection:
            yield connection

    here = Here(reading, store.kinds, store.projections)
    run = LogRun(reading, here, store.kinds, store.projections, ledger.service.log(), verifier._keys)
    found = run.verify((3,), None, None, False, lambda level, done, total: None, lambda stand: None)
    assert asked >= 2
    assert found.levels[0].fault is None, found.levels[0].fault
