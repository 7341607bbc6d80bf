"""The agent's spool: signed and numbered in order, bounded, nothing dropped before a checkpoint covers its receipt."""

import multiprocessing
import os
import secrets
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.agent.identity import Identity
from collectors.agent.spool import FILE_NAME, GAP_REASON, MIB, Spool
from ledger.core.batch import batch_digest, verify_batch
from ledger.core.clock import SystemClock, utc_text
from ledger.core.errors import ConfigError, Conflict, RetriableSource, SignatureInvalid
from ledger.core.run import RunBatch, SourceState
from tests.support.ledgers import batch
from tests.support.spooling import ORIGIN, SOURCE, Edge, run


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    return Edge(tmp_path)


@pytest.fixture
def spool(edge: Edge) -> Iterator[Spool]:
    made = edge.spool()
    made.begin(SourceState(source=SOURCE))
    yield made
    made.close()


def test_nothing_is_read_before_the_ledger_told_where_the_source_stands(edge: Edge) -> None:
    spool = edge.spool()
    with pytest.raises(RetriableSource, match="has not told"):
        spool.state(SOURCE)
    spool.begin(SourceState(source=SOURCE, cursor="7"))
    spool.begin(SourceState(source=SOURCE, cursor="0"))
    assert spool.state(SOURCE).cursor == "7"
    spool.close()


def test_batches_are_numbered_chained_and_signed_and_go_out_in_order(edge: Edge, spool: Spool) -> None:
    for at in (1, 2, 3):
        assert spool.submit(run(at)).run == at
    previous = None
    for at in (1, 2, 3):
        made = spool.pending()
        assert made is not None
        verify_batch(made, ORIGIN, edge.identity.public_key)
        assert (made.header.number, made.header.previous, made.header.cursor) == (at, previous, str(at))
        previous = batch_digest(made.header)
        spool.delivered(made.header, edge.receipt(made, 10 * at))
    assert spool.pending() is None
    assert (spool.waiting(), spool.kept()) == (0, 3)


def test_a_run_that_does_not_go_on_where_the_source_stands_is_refused(spool: Spool) -> None:
    spool.submit(run(1))
    with pytest.raises(Conflict, match="starts at cursor"):
        spool.submit(run(1))
    with pytest.raises(Conflict):
        spool.submit(run(3))
    assert spool.place.number == 1


def test_a_receipt_of_another_key_or_batch_is_not_believed(edge: Edge, spool: Spool) -> None:
    spool.submit(run(1))
    spool.submit(run(2))
    first = spool.pending()
    assert first is not None
    with pytest.raises(SignatureInvalid):
        spool.delivered(first.header, edge.receipt(first, 5, secrets.token_bytes(32)))
    spool.delivered(first.header, edge.receipt(first, 5))
    second = spool.pending()
    assert second is not None
    with pytest.raises(SignatureInvalid, match="not for this one"):
        spool.delivered(second.header, edge.receipt(first, 5))
    assert spool.waiting() == 1


def test_what_is_delivered_is_kept_until_a_checkpoint_covers_its_receipt(edge: Edge, spool: Spool) -> None:
    for at in (1, 2, 3):
        spool.submit(run(at))
    for at in (1, 2):
        made = spool.pending()
        assert made is not None
        spool.delivered(made.header, edge.receipt(made, 10 * at))
    assert spool.covered(9) == 0
    assert spool.covered(10) == 1
    assert spool.covered(1000) == 1, "what was not delivered stays"
    assert spool.kept() == spool.waiting() == 1


def test_what_the_ledger_lost_is_sent_again_as_far_as_it_is_held(edge: Edge, spool: Spool) -> None:
    for at in (1, 2, 3):
        spool.submit(run(at))
        made = spool.pending()
        assert made is not None
        spool.delivered(made.header, edge.receipt(made, 10 * at))
    spool.covered(10)
    assert not spool.send_again(0), "batch 1 is gone"
    assert spool.send_again(1)
    again = spool.pending()
    assert again is not None
    assert again.header.number == 2
    assert spool.digest(1) == again.header.previous


def test_a_full_spool_reads_no_further_and_the_time_stands_as_a_gap(edge: Edge) -> None:
    spool = edge.spool(spool_mib=1)
    spool.begin(SourceState(source=SOURCE))
    spool.submit(run(1, MIB // 2))
    before = utc_text(SystemClock().now_us())
    for _ in range(2):
        with pytest.raises(RetriableSource, match="full"):
            spool.submit(run(2, MIB // 2))
    spool.close()
    spool = edge.spool(spool_mib=1)
    assert spool.state(SOURCE).cursor == "1"
    made = spool.pending()
    assert made is not None
    spool.delivered(made.header, edge.receipt(made, 10))
    with pytest.raises(RetriableSource, match="full"):
        spool.submit(run(2, MIB // 2))
    spool.covered(10)
    spool.submit(run(2, MIB // 2))
    made = spool.pending()
    assert made is not None
    (gap,) = msgspec.json.decode(made.payload, type=RunBatch).gaps
    assert gap.reason == GAP_REASON
    assert before <= str(gap.between.after) <= str(gap.between.before)
    spool.submit(batch([], SOURCE, cursor_from="2", cursor_to="2"))
    spool.delivered(made.header, edge.receipt(made, 20))
    made = spool.pending()
    assert made is not None
    assert msgspec.json.decode(made.payload, type=RunBatch).gaps == ()
    spool.close()


def test_a_new_epoch_numbers_what_was_not_delivered_anew_without_moving_the_source(edge: Edge, spool: Spool) -> None:
    for at in (1, 2, 3):
        spool.submit(run(at))
    made = spool.pending()
    assert made is not None
    spool.delivered(made.header, edge.receipt(made, 10))
    spool.halt("restored")
    with pytest.raises(RetriableSource, match="waits for a person"):
        spool.submit(run(4))
    spool.begin_epoch(2, [SourceState(source=SOURCE, cursor="9")])
    assert spool.state(SOURCE).cursor == "9"
    for number, at in ((1, 2), (2, 3)):
        again = spool.pending()
        assert again is not None
        held = msgspec.json.decode(again.payload, type=RunBatch)
        assert (again.header.epoch, again.header.number) == (2, number)
        assert (held.cursor_from, held.cursor_to) == ("9", "9")
        assert held.submissions == run(at).submissions
        spool.delivered(again.header, edge.receipt(again, 20 + number))
    assert not spool.place.halted


def _spool_until_killed(folder: str, ready: Any) -> None:
    edge = object.__new__(Edge)
    edge.folder, edge.identity = Path(folder), Identity(Path(folder))
    spool = edge.spool()
    at = int(spool.state(SOURCE).cursor or 0)
    ready.set()
    while True:
        at += 1
        spool.submit(run(at, 2000))


def test_a_spool_that_is_killed_at_any_moment_holds_each_batch_once_and_goes_on(edge: Edge, spool: Spool) -> None:
    context = multiprocessing.get_context("forkserver")
    wait = 0.03
    for _ in range(6):
        ready = context.Event()
        process = context.Process(target=_spool_until_killed, args=(str(edge.folder), ready))
        process.start()
        assert ready.wait(30)
        process.join(wait)
        wait += 0.02
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    spool.close()
    again = edge.spool()
    place, stands = again.place, again.state(SOURCE)
    assert place.number > 6
    assert stands.cursor == str(place.number)
    previous = None
    for at in range(1, place.number + 1):
        made = again.pending()
        assert made is not None
        verify_batch(made, ORIGIN, edge.identity.public_key)
        assert (made.header.number, made.header.previous) == (at, previous)
        previous = batch_digest(made.header)
        again.delivered(made.header, edge.receipt(made, at))
    assert place.previous == previous
    again.close()


def test_the_spool_is_its_owners_alone_and_written_through(edge: Edge, spool: Spool) -> None:
    assert (edge.folder / FILE_NAME).stat().st_mode & 0o077 == 0
    with sqlite3.connect(edge.folder / FILE_NAME) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert spool._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_spool_that_is_no_database_is_named_and_left_as_it_is(edge: Edge) -> None:
    (edge.folder / FILE_NAME).write_bytes(b"no database, but perhaps of use to somebody" * 100)
    with pytest.raises(ConfigError, match="cannot be opened"):
        edge.spool()
    assert (edge.folder / FILE_NAME).read_bytes().startswith(b"no database")
