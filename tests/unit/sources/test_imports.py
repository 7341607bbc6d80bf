"""An old audit trail is imported, read back, reconciled, and stated to be a true copy by somebody else."""

from hashlib import sha256

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.errors import Conflict, LedgerError, SchemaViolation, SelfApproval
from ledger.core.hashing import b64
from ledger.core.record import Actor, ActorKind, Submission
from ledger.core.run import Rejected, RunReceipt
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.record_log import RecordLog
from ledger.sources.handover import Seam, first_run_at, handovers, sentences
from ledger.sources.import_kinds import By, Difference, Expected, ImportedFile, ImportState, Total
from ledger.sources.import_tally import NO_RECORDS, NOT_OWN, UNENDED
from ledger.sources.imports import Imports, Known
from ledger.store.position import pos_of
from tests.support.ledgers import AUTHORITY, SOURCE, START_US, Ledger, source_time, submission

pytestmark = pytest.mark.sampled

OLD = "old-lims"
QA = Authority(actor="local:quality", authenticated=False)
FILE = ImportedFile(name="trail.csv", sha256=b64(sha256(b"rows").digest()), size=4, stated=True)
OTHER = ImportedFile(name="other.csv", sha256=b64(sha256(b"other").digest()), size=5, stated=False)
DAY_US = 86_400_000_000


def imports(ledger: Ledger) -> Imports:
    log: RecordLog = ledger.service.record_log()
    if OLD not in [one.id for one in log.sources.list()]:
        log.sources.register(SourceConfig(id=OLD, type=ARCHIVE, title="Old LIMS", mapping="version = 1"), AUTHORITY)
    return log.imports


def begin(ledger: Ledger, file: ImportedFile = FILE, live: str | None = None, **expected: object) -> Known:
    wanted = msgspec.convert(expected, Expected)
    return imports(ledger).begin(OLD, file, "old@1", wanted, "switched off", AUTHORITY, continues_in=live)


def rows(*numbers: int) -> list[Submission]:
    """Rows of two users, a day apart from 400 days before the start on."""
    return [
        submission(
            number,
            OLD,
            data=b"row %d" % number,
            occurred_at=source_time(START_US + (number - 400) * DAY_US),
            actor=Actor(account=f"user{number % 2}", kind=ActorKind.PERSON),
        )
        for number in numbers
    ]


def submit(ledger: Ledger, submissions: list[Submission], rejected: int = 0) -> RunReceipt:
    bad = Rejected(data=b"torn", media_type="text/csv", reason="torn", received_at="2026-11-25T07:10:06.000000Z")
    return ledger.submit(submissions, OLD, rejected=(bad,) * rejected)


def test_nothing_of_an_archive_is_taken_but_between_the_entries_of_an_import(ledger: Ledger) -> None:
    imports(ledger)
    with pytest.raises(Conflict, match="no import of it is running"):
        submit(ledger, rows(1))
    known = begin(ledger, rows=1)
    receipt = submit(ledger, rows(1))
    ended = imports(ledger).finish(known.last.id, "all read", AUTHORITY)
    assert known.entry < receipt.outcomes[0].index < receipt.run < ended.entry
    with pytest.raises(Conflict):
        submit(ledger, rows(2))
    with pytest.raises(Conflict):
        imports(ledger).finish(known.last.id, "again", AUTHORITY)
    assert ledger.service.verifier.run(ledger.service.record_log().log, full=True).holds


def test_an_archive_never_becomes_a_live_source_nor_the_other_way_round(ledger: Ledger) -> None:
    imports(ledger)
    sources = ledger.service.sources
    for name, kind in ((OLD, "push"), (SOURCE, ARCHIVE)):
        with pytest.raises(Conflict, match="can't become"):
            sources.register(SourceConfig(id=name, type=kind, title="x"), AUTHORITY)
    with pytest.raises(SchemaViolation):
        imports(ledger).begin(SOURCE, FILE, "old@1", Expected(), "live", AUTHORITY)
    with pytest.raises(SchemaViolation):
        begin(ledger, live=OLD)


@pytest.mark.requirement("R64")
def test_what_the_ledger_holds_is_read_back_and_held_against_the_old_system_s_figures(ledger: Ledger) -> None:
    totals = [{"by": "user", "value": "user0", "records": 2}, {"by": "user", "value": "user1", "records": 2}]
    known = begin(ledger, rows=4, totals=totals)
    submit(ledger, rows(1, 2))
    submit(ledger, rows(3, 4))
    ended = imports(ledger).finish(known.last.id, "all read", AUTHORITY)
    outcome = ended.last.outcome
    assert outcome is not None
    assert (ended.state, outcome.differences) == (ImportState.RECONCILED, ())
    assert (outcome.counts.rows, outcome.counts.appended, outcome.counts.records, outcome.runs) == (4, 4, 4, 2)
    assert Total(by=By.YEAR, value="2025", records=4) in outcome.totals
    assert (outcome.first_occurred, outcome.last_occurred) == (
        "2025-08-18T14:13:20.000000Z",
        "2025-08-21T14:13:20.000000Z",
    )
    assert imports(ledger).get(known.last.id) == ended
    begin(ledger, OTHER, rows=1)
    submit(ledger, rows(5))
    assert imports(ledger).recount(known.last.id) == outcome, "whatever came later"
    with pytest.raises(Conflict, match="has not ended"):
        imports(ledger).recount(begin(ledger, OTHER, rows=1).last.id)


def test_every_difference_is_named_and_leaves_the_import_open(ledger: Ledger) -> None:
    totals = [{"by": "year", "value": "2025", "records": 9}, {"by": "user", "value": "user0", "records": 1}]
    known = begin(ledger, rows=7, totals=totals)
    submit(ledger, [*rows(1, 2, 3), *rows(1)], rejected=2)
    ended = imports(ledger).finish(known.last.id, "all read", AUTHORITY, ended=False)
    assert ended.state is ImportState.OPEN
    assert ended.last.outcome is not None
    assert set(ended.last.outcome.differences) == {
        Difference(what="rows", expected=7, found=6),
        Difference(what=NO_RECORDS, expected=0, found=2),
        Difference(what=NOT_OWN, expected=0, found=1),
        Difference(what=UNENDED, expected=0, found=1),
        Difference(what="year 2025", expected=9, found=3),
        Difference(what="user, others than stated", expected=0, found=2),
    }
    assert imports(ledger).recount(known.last.id) == ended.last.outcome


def test_figures_that_nobody_stated_are_a_difference_too(ledger: Ledger) -> None:
    known = begin(ledger)
    submit(ledger, rows(1))
    ended = imports(ledger).finish(known.last.id, "all read", AUTHORITY)
    assert ended.last.outcome is not None
    assert ended.last.outcome.differences == (Difference(what="rows", expected=None, found=1),)


def test_the_same_file_again_makes_no_record_twice_and_reconciles_as_before(ledger: Ledger) -> None:
    key = begin(ledger, rows=3).last.id
    submit(ledger, rows(1, 2, 3))
    first = imports(ledger).finish(key, "all read", AUTHORITY)
    begin(ledger, rows=3)
    submit(ledger, rows(1, 2, 3))
    ended = imports(ledger).finish(key, "all read", AUTHORITY)
    assert first.entry < ended.entry
    assert ended.last.outcome is not None
    assert (ended.state, ended.last.outcome.counts.appended) == (ImportState.RECONCILED, 0)
    assert (ended.last.outcome.counts.duplicates, ended.last.outcome.counts.records) == (3, 3)
    assert ledger.query(f"SELECT count(*) FROM record WHERE source = '{OLD}'") == [(3,)]


def test_one_file_at_a_time_and_a_stopped_import_goes_on_as_it_was_begun(ledger: Ledger) -> None:
    known = begin(ledger, rows=2)
    submit(ledger, rows(1))
    with pytest.raises(Conflict, match="has not ended"):
        begin(ledger, OTHER)
    with pytest.raises(Conflict, match="another value of expected"):
        begin(ledger, rows=3)
    assert begin(ledger, rows=2) == known
    submit(ledger, rows(2))
    assert imports(ledger).finish(known.last.id, "all read", AUTHORITY).state is ImportState.RECONCILED
    assert begin(ledger, OTHER, rows=1).entry > known.entry


@pytest.mark.requirement("R65")
def test_somebody_else_states_a_true_copy_and_explains_each_difference(ledger: Ledger) -> None:
    known = begin(ledger, rows=3)
    index = submit(ledger, rows(1, 2), rejected=1).outcomes[0].index
    key = known.last.id
    state = imports(ledger).state_true_copy
    why = {NO_RECORDS: "one torn row, kept as it stood"}
    with pytest.raises(Conflict, match="running"):
        state(key, [index], why, "migration", QA)
    imports(ledger).finish(key, "all read", AUTHORITY)
    with pytest.raises(SelfApproval):
        state(key, [index], why, "migration", AUTHORITY)
    for wrong in ({}, {NO_RECORDS: " "}, {**why, "rows": "no difference"}):
        with pytest.raises(SchemaViolation):
            state(key, [index], wrong, "migration", QA)
    for sample in ([], [known.entry], [10_000]):
        with pytest.raises(LedgerError):
            state(key, sample, why, "migration", QA)
    with pytest.raises(Conflict, match="not the one"):
        state(key, [index], why, "migration", QA, compared=sha256(b"others").digest())
    stated = state(key, [index], why, "migration", QA, compared=sha256(b"rows").digest())
    assert (stated.state, imports(ledger).get(key)) == (ImportState.TRUE_COPY, stated)
    assert stated.true_copy is not None
    assert (stated.true_copy.meaning, stated.true_copy.compared) == ("true copy", True)
    assert sha256(b"rows").hexdigest() in stated.true_copy.statement
    assert "one torn row" in stated.true_copy.statement
    with pytest.raises(Conflict, match="true copy already"):
        begin(ledger, rows=3)
    with pytest.raises(Conflict):
        state(key, [index], why, "twice", QA)
    assert ledger.service.verifier.run(ledger.service.record_log().log, full=True).holds


def test_a_changed_mapping_during_an_import_is_a_difference(ledger: Ledger) -> None:
    known = begin(ledger, rows=1)
    submit(ledger, rows(1))
    ledger.service.sources.register(
        SourceConfig(id=OLD, type=ARCHIVE, title="Old LIMS", mapping="version = 2"), AUTHORITY
    )
    ended = imports(ledger).finish(known.last.id, "all read", AUTHORITY)
    assert ended.state is ImportState.OPEN


def test_what_lies_between_import_and_live_collection_is_said_of_both(ledger: Ledger) -> None:
    ledger.submit([submission(5)], SOURCE)
    live_from = first_run_at(ledger.store, 1, SOURCE)
    known = imports(ledger).begin(
        OLD, FILE, "old@1", Expected(rows=1), "old", AUTHORITY, continues_in=SOURCE, live_from=live_from
    )
    submit(ledger, rows(1))
    imports(ledger).finish(known.last.id, "all read", AUTHORITY)
    for source in (OLD, SOURCE):
        (one,) = handovers(ledger.store, 1, source)
        assert (one.seam, one.early, one.first_run_at) == (Seam.GAP, 0, live_from)
        assert one.between is not None
        assert (one.between.after, one.between.before) == ("2025-08-18T14:13:20.000000Z", live_from)
        assert "neither import nor live collection" in " ".join(sentences(one))
    ledger.submit([submission("old", SOURCE, occurred_at=source_time(START_US - 500 * DAY_US))], SOURCE)
    (one,) = handovers(ledger.store, 1, SOURCE)
    assert (one.seam, one.early) == (Seam.OVERLAP, 1)


@pytest.mark.parametrize(
    "lie",
    [
        "UPDATE source_import SET state = 'true copy' WHERE to_index IS NULL",
        "UPDATE source_import SET sha256 = 'x' WHERE to_index IS NULL",
        "UPDATE body SET body = {longer} WHERE pos = {pos}",
        "DELETE FROM source_import",
    ],
)
def test_nobody_who_holds_the_database_makes_an_import_a_true_copy(ledger: Ledger, lie: str) -> None:
    known = begin(ledger)
    submit(ledger, rows(1))
    ended = imports(ledger).finish(known.last.id, "all read", AUTHORITY)
    log = ledger.service.record_log().log
    assert ledger.service.verifier.run(log, full=True).holds
    longer = "body || x'20'" if ledger.is_sqlite else "body || '\\x20'::bytea"
    with ledger.administrator() as connection:
        connection.exec_driver_sql(lie.format(longer=longer, pos=pos_of(log.number, ended.entry)))
    assert not ledger.service.verifier.run(log, full=True).holds
