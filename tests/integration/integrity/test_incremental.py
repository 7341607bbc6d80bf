"""Level 3 of an incremental run says what a full one says, reads what is new, and owns up to what it left out."""

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, func, select

from ledger.core.entry import draft
from ledger.core.hashing import ZERO_HASH, b64
from ledger.core.key_events import KeyEvent, KeyEventSort, KeyPurpose
from ledger.core.note import NoteSigner, parse_note
from ledger.core.renewals import DISTRUSTED
from ledger.core.timestamp_entries import TimestampEntry, TimestampRenewalEntry
from ledger.core.witness_policy import CheckpointWitnessedEntry, Quorum
from ledger.integrity.judged import basis_of, judged_now, still_stands
from ledger.integrity.level3 import log_keys
from ledger.integrity.run import LogRun
from ledger.integrity.tasks import Here
from ledger.store import checkpoints, schema
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of
from ledger.store.reading import LogReader
from ledger.trust.key_history import stored_body
from ledger.trust.kinds import LogBinding
from ledger.trust.next_keys import load_next
from ledger.trust.tables import log_binding
from ledger.trust.timestamp_tables import time_stamp, time_stamp_renewal
from ledger.trust.watch_kinds import SiteCheckpoint
from ledger.trust.watch_tables import site_checkpoint
from ledger.trust.witness_tables import witness_policy, witnessed
from tests.support.ledgers import AUTHORITY, RECORDS, Copies, Ledger, MovableClock
from tests.support.seeds import SEED
from tests.support.trusted import Trusted, copied, found, told
from tests.support.tsa import Stamper

pytestmark = pytest.mark.sampled

STEPS = {"sqlite": 8, "postgresql": 4}


def verify_all(ledger: Ledger) -> None:
    """A full run over each log, entered."""
    for log in ledger.store.logs():
        report = ledger.service.verifier.run(log, levels=(1, 2, 3))
        assert report.holds, report.summary


def left_out(ledger: Ledger, log: int) -> str:
    """What level 3 of an incremental run would leave out."""
    return found(ledger, ledger.store.logs()[log], full=False, levels=(3,)).levels[0].left_out


@pytest.mark.parametrize("drawn", range(2))
def test_an_incremental_run_after_a_full_one_says_what_a_full_one_says(
    ledger: Ledger, clock: MovableClock, stamper: Stamper, drawn: int
) -> None:
    site, chance = Trusted(ledger, clock, stamper), random.Random(f"{SEED} {drawn}")
    verify_all(ledger)
    site.record()
    assert left_out(ledger, RECORDS)  # it does go on from there
    done: list[str] = []
    for _ in range(STEPS[ledger.dialect]):
        done += [site.grow(chance), site.grow(chance)]
        site.record()
        for log in ledger.store.logs():
            assert told(found(ledger, log, full=False)) == told(found(ledger, log, full=True)), done
            if chance.random() < 0.5:
                report = ledger.service.verifier.run(log, levels=(1, 2, 3), full=False)
                assert report.holds, (report.summary, done)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, copies: Copies, stamper: Stamper) -> Iterator[Ledger]:
    """A ledger over which all of trust happened, that was verified, and over which it happened once more."""
    clock = MovableClock()
    with contextlib.closing(copies.sqlite(tmp_path_factory.mktemp("grown") / "ledger", clock)) as ledger:
        site = Trusted(ledger, clock, stamper)
        for action in (site.record, site.stamp, site.renew, site.bind, site.watch):
            action()
        verify_all(ledger)
        for action in (site.record, site.stamp, site.renew, site.bind, site.watch, site.record):
            action()
        yield ledger


@pytest.fixture
def attacked(grown: Ledger, tmp_path: Path) -> Iterator[Ledger]:
    """A copy of it, for one attack."""
    with contextlib.closing(copied(grown, tmp_path / "attacked")) as ledger:
        yield ledger


def last_body(ledger: Ledger, column: object, sort: type[msgspec.Struct]) -> msgspec.Struct:
    """The body of the system log's last entry that a table names."""
    with ledger.store.reading() as connection:
        pos = connection.scalar(select(func.max(column)).where(column < 1 << 40))  # type: ignore[arg-type,operator]
        assert pos is not None
        body = stored_body(LogReader(connection, SYSTEM_LOG), ledger.store.kinds, index_of(pos))
    assert isinstance(body, sort)
    return body


def enter(ledger: Ledger, body: msgspec.Struct, log: int = SYSTEM_LOG) -> None:
    ledger.store.append_one(log, draft(body))


def forged(column: object, sort: type[msgspec.Struct], **changed: object) -> Callable[[Ledger], None]:
    """The last entry of a sort once more, with other members."""
    return lambda ledger: enter(ledger, msgspec.structs.replace(last_body(ledger, column, sort), **changed))


def forged_checkpoint(ledger: Ledger) -> None:
    with ledger.store.reading() as connection:
        last = checkpoints.latest(connection, RECORDS)
    note = parse_note(last.note)
    other = NoteSigner(note.signatures[0].name, bytes(32)).sign(note.text)
    line = msgspec.structs.replace(note.signatures[0], signature=other.signature)
    with ledger.administrator() as connection:
        connection.execute(
            schema.checkpoint.update()
            .where(schema.checkpoint.c.log == RECORDS, schema.checkpoint.c.size == last.size)
            .values(note=msgspec.structs.replace(note, signatures=(line,)).encode())
        )


def unsigned_revocation(ledger: Ledger) -> None:
    event = KeyEvent(
        event=KeyEventSort.REVOKED,
        purpose=KeyPurpose.LOG,
        key=ledger.service.vkey(ledger.service.log()),
        reason="x",
        authority=AUTHORITY,
    )
    enter(ledger, event, RECORDS)


def denied_quorum(ledger: Ledger) -> None:
    """Of a checkpoint that was judged, and met the quorum by earlier lines, a new entry says that it did not."""
    body = first_witnessed(ledger)
    enter(ledger, msgspec.structs.replace(body, lines=(), state=Quorum.MISSING, missing="both"))


def first_witnessed(ledger: Ledger) -> CheckpointWitnessedEntry:
    """What witnesses said of the first checkpoint that met the quorum, which was judged."""
    with ledger.store.reading() as connection:
        pos = connection.scalar(select(func.min(witnessed.c.pos)).where(witnessed.c.state == Quorum.MET.value))
        assert pos is not None
        body = stored_body(LogReader(connection, SYSTEM_LOG), ledger.store.kinds, index_of(pos))
    assert isinstance(body, CheckpointWitnessedEntry)
    return body


ATTACKS: dict[str, Callable[[Ledger], None]] = {
    "a checkpoint by another key": forged_checkpoint,
    "a word of another log": forged(log_binding.c.pos, LogBinding, root=b64(ZERO_HASH)),
    "a quorum that there was not": forged(witnessed.c.pos, CheckpointWitnessedEntry, lines=(), size=2),
    "a quorum denied": denied_quorum,
    "a policy that was not in force": forged(witnessed.c.pos, CheckpointWitnessedEntry, policy=1),
    "a time-stamp of another moment": forged(time_stamp.c.pos, TimestampEntry, gen_time="2020-01-01T00:00:00.000000Z"),
    "a time-stamp of another size": forged(time_stamp.c.pos, TimestampEntry, size=2),
    "a time-stamp by nobody": forged(time_stamp.c.pos, TimestampEntry, proposed=1),
    "a renewal of others": forged(time_stamp_renewal.c.pos, TimestampRenewalEntry, count=1),
    "a renewal of another moment": forged(
        time_stamp_renewal.c.pos, TimestampRenewalEntry, gen_time="2020-01-01T00:00:00.000000Z"
    ),
    "a key event that nobody signed": unsigned_revocation,
    "a watched log's checkpoint out of order": forged(site_checkpoint.c.pos, SiteCheckpoint, previous=None),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_on_what_is_new_is_found_and_named_as_a_full_run_does(
    attacked: Ledger, attack: Callable[[Ledger], None]
) -> None:
    attack(attacked)
    assert left_out(attacked, SYSTEM_LOG)
    whole, part = (
        [found(attacked, log, full=full, levels=(3,)).levels[0].fault for log in attacked.store.logs()]
        for full in (True, False)
    )
    assert part == whole
    assert any(part)


def test_a_later_word_of_a_checkpoint_that_was_judged_counts_with_the_earlier_lines(attacked: Ledger) -> None:
    enter(attacked, msgspec.structs.replace(first_witnessed(attacked), lines=()))
    for full in (True, False):
        assert found(attacked, attacked.service.system, full=full, levels=(3,)).levels[0].fault is None


def test_what_follows_from_an_altered_entry_of_before_is_refused(attacked: Ledger) -> None:
    with attacked.administrator() as connection:
        pos = connection.scalar(select(func.min(witness_policy.c.pos)))
        body = connection.scalar(select(schema.body.c.body).where(schema.body.c.pos == pos))
        assert body is not None
        weaker = bytes(body).replace(b"quorum every", b"quorum qa   ")
        connection.execute(schema.body.update().where(schema.body.c.pos == pos).values(body=weaker))
    fault = found(attacked, attacked.service.system, full=False, levels=(3,)).levels[0].fault
    assert fault is not None
    assert (fault.index, "what an earlier run judged" in fault.what) == (index_of(pos or 0), True)


def test_damage_to_what_was_judged_is_left_to_a_full_run_and_said_to_be(attacked: Ledger) -> None:
    with attacked.administrator() as connection:
        size = connection.scalar(select(func.min(schema.checkpoint.c.size)).where(schema.checkpoint.c.log == RECORDS))
        connection.execute(
            schema.checkpoint.update()
            .where(schema.checkpoint.c.log == RECORDS, schema.checkpoint.c.size == size)
            .values(note=b"nothing")
        )
    part = found(attacked, attacked.service.log(), full=False, levels=(3,)).levels[0]
    assert part.fault is None
    assert "checkpoints before size" in part.left_out
    assert "a full run does again" in part.left_out
    whole = found(attacked, attacked.service.log(), full=True, levels=(3,)).levels[0]
    assert (whole.fault is not None, whole.left_out) == (True, "")


def test_a_key_that_the_log_has_anew_has_all_of_its_checkpoints_judged_again(
    sqlite_ledger: Ledger, clock: MovableClock, stamper: Stamper
) -> None:
    """A line of the key that is only promised is nobody's yet: from the rotation on it stands where it may not."""
    site, log = Trusted(sqlite_ledger, clock, stamper), sqlite_ledger.service.log()
    site.record()
    with sqlite_ledger.administrator() as connection:
        first = checkpoints.latest(connection, RECORDS)
        note = connection.scalar(
            select(schema.checkpoint.c.note).where(
                schema.checkpoint.c.log == RECORDS, schema.checkpoint.c.size == first.size
            )
        )
        assert note is not None
        promised = NoteSigner(log.origin, load_next(site._next_key, log.origin))
        early = bytes(note) + promised.sign(parse_note(first.note).text).line.encode()
        connection.execute(
            schema.checkpoint.update()
            .where(schema.checkpoint.c.log == RECORDS, schema.checkpoint.c.size == first.size)
            .values(note=early)
        )
    site.record()
    verify_all(sqlite_ledger)
    site.record()
    assert left_out(sqlite_ledger, RECORDS)
    site.rotate()
    whole, part = (found(sqlite_ledger, log, full=full, levels=(3,)).levels[0] for full in (True, False))
    assert whole.fault == part.fault is not None
    assert "before entry" in part.fault.what


def test_a_log_of_another_past_and_another_basis_end_what_was_judged(attacked: Ledger) -> None:
    with attacked.store.reading() as connection:
        keys = log_keys(connection, attacked.store.kinds)
        judged = found(attacked, attacked.service.log(), full=True, levels=(3,)).judged
        assert judged is not None
        assert still_stands(connection, RECORDS, judged, keys)
        others = [msgspec.structs.replace(one, root=b64(ZERO_HASH)) if one.log == 0 else one for one in judged.logs]
        longer = [msgspec.structs.replace(one, size=one.size + 1) for one in judged.logs]
        assert not still_stands(connection, RECORDS, msgspec.structs.replace(judged, logs=tuple(others)), keys)
        assert not still_stands(connection, RECORDS, msgspec.structs.replace(judged, logs=tuple(longer)), keys)
        assert not still_stands(connection, RECORDS, judged, dict.fromkeys(keys, ()))
        assert basis_of(keys) != basis_of(keys, {**DISTRUSTED, "sha256": 0})


def test_a_checkpoint_that_is_published_after_a_larger_one_is_judged(attacked: Ledger) -> None:
    """Several processes publish: a size was meant, and its checkpoint comes after a run has judged a larger one."""
    with attacked.administrator() as connection:
        *_, before, late, last = (one.size for one in checkpoints.every(connection, RECORDS))
        chosen = schema.checkpoint.c.log == RECORDS, schema.checkpoint.c.size == late
        whole = judged_now(connection, RECORDS, last, {}, None)
        connection.execute(schema.checkpoint.delete().where(*chosen))
        judged = judged_now(connection, RECORDS, last, {}, None)
    assert whole is not None
    assert judged is not None
    assert (whole.checkpoint, judged.checkpoint) == (last, before)


def steps(ledger: Ledger, log: int, *, full: bool) -> tuple[int, int]:
    """What level 3 costs: instructions of the database's machine, and things that were looked at.

    Not counted is what a tree's right edge takes, wherever it stands: the leaves after its last tile, at most 255.
    """
    store, verifier, done, looked, edge = ledger.store, ledger.service.verifier, 0, 0, False
    chosen = store.logs()[log]

    def step() -> int:
        nonlocal done
        done += not edge
        return 0

    def statement(text: str) -> None:
        nonlocal edge
        edge = text.lstrip().startswith("SELECT leaf.data")

    @contextlib.contextmanager
    def reading() -> Iterator[Connection]:
        with store.reading() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.set_trace_callback(statement)
            raw.set_progress_handler(step, 10)
            try:
                yield connection
            finally:
                raw.set_trace_callback(None)
                raw.set_progress_handler(None, 0)

    def progress(level: int, count: int, total: int) -> None:
        nonlocal looked
        looked += count

    start, judged = (None, None) if full else verifier._last_stands(chosen)
    here = Here(reading, store.kinds, store.projections)
    run = LogRun(reading, here, store.kinds, store.projections, chosen, verifier._keys)
    result = run.verify((3,), start, None, False, progress, lambda stand: None, judged)
    assert result.levels[0].fault is None, result.levels[0].fault
    assert bool(result.levels[0].left_out) is not full
    return done, looked


def test_an_incremental_run_costs_what_is_new(
    tmp_path: Path, copies: Copies, stamper: Stamper, clock: MovableClock
) -> None:
    """Eight times the checkpoints, cosignatures and tokens of before, and it reads no more, as a full run does."""
    part: dict[int, list[tuple[int, int]]] = {}
    whole: dict[int, list[tuple[int, int]]] = {}
    for old in (8, 64):
        with contextlib.closing(copies.sqlite(tmp_path / f"{old}", clock)) as ledger:
            site = Trusted(ledger, clock, stamper)
            for number in range(old):
                (site.record if number % 8 else site.stamp)()
            verify_all(ledger)
            site.record()
            site.stamp()
            part[old], whole[old] = (
                [steps(ledger, log, full=full) for log in (SYSTEM_LOG, RECORDS)] for full in (False, True)
            )
    for few, many in zip(part[8], part[64], strict=True):
        assert many[1] == few[1]
        assert many[0] < 1.2 * few[0], (few, many)
    for few, many in zip(whole[8], whole[64], strict=True):
        assert many[1] > 4 * few[1]
        assert many[0] > 2.5 * few[0], (few, many)
