"""Records go when their retention is over and two people say so; what is held or not over stays, whatever the role."""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DatabaseError
from tenacity import stop_after_attempt

from ledger.core.entry import Draft
from ledger.core.errors import Conflict, IntegrityError
from ledger.core.job import Job, JobState
from ledger.core.record import LinkKind
from ledger.core.retention import RetentionEvent
from ledger.packages import issue
from ledger.retention import planning, scrubbing
from ledger.retention.disposals import Removal
from ledger.service import DISPOSE
from ledger.sources.prepare import Preparer
from ledger.store.counting import counts
from ledger.store.disposed import Doomed, count_disposed, remove
from ledger.store.ordering import Sort, SortKey, page
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.store.rebuild import _Rebuild, rebuild
from ledger.store.search import count, search
from ledger.trace import exporting
from ledger.trace.columns import chosen
from ledger.trace.selection import ByBatch, BySearch
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.support.keeping import MARKER, MES, NEW, OLD, Keeping
from tests.support.ledgers import _disarm, batch

pytestmark = pytest.mark.sampled


@pytest.fixture(params=["sqlite", "postgresql"])
def keeping(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeping]:
    if request.param == "sqlite":
        first: Keeping = request.getfixturevalue("first")
        made = first.copied(tmp_path / "ledger")
    else:
        first = request.getfixturevalue("first_on_postgres")
        assert first.server is not None
        made = first.copied(tmp_path / "ledger", first.server.create_database(first.database))
    yield made
    made.close()
    if made.server is not None and made.database is not None:
        made.server.discard(made.database)


def test_what_is_over_goes_and_every_proof_still_holds(keeping: Keeping) -> None:
    assert keeping.verify() == []
    done = keeping.dispose()
    assert (done.state, done.removed, done.total) == ("disposed", 4, 4)
    bodies = keeping.bodies()
    assert [index for index, body in bodies.items() if body is None] == keeping.old
    assert keeping.verify() == []


def test_an_assessment_of_what_is_over_is_not_recounted_and_verification_says_so(keeping: Keeping) -> None:
    log = keeping.log
    assert keeping.service.quality.assessments.run(log, True, keeping.world.root).entries
    keeping.dispose()
    report = keeping.service.verifier.run(log, full=True, levels=(2,))
    found = next(one for one in report.result.levels if one.level == 2)
    assert (found.fault, "assessed blocks: records or originals are there no longer" in found.open) == (None, True)


def test_an_export_during_which_records_go_breaks_off(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 1)
    table = exporting.Table(columns=chosen("index"), zone=ZoneInfo("UTC"), old=frozenset())
    store = keeping.service.store
    with store.reader(1) as reader:
        size = reader.head().size
    begun = exporting.chunks(store, 1, size, Query(), Sort(), table)
    assert [len(indices) for indices in next(begun)] == [1]
    keeping.dispose()
    with pytest.raises(Conflict, match="disposed of meanwhile"):
        list(begun)
    whole = exporting.chunks(store, 1, size, Query(), Sort(), table)
    assert not set(keeping.old) & {index for (indices,) in whole for index in indices}


@pytest.mark.requirement("R03")
def test_a_search_as_of_an_earlier_size_gives_all_again_but_what_was_disposed_of(keeping: Keeping) -> None:
    store = keeping.service.store

    def asked(size: int | None) -> tuple[int, tuple[int, ...], int, int]:
        with store.reader(1) as reader:
            size = reader.head().size if size is None else size
            found = page(reader.connection, 1, size, Query(), Sort(by=SortKey.OCCURRED))
            total = counts(reader.connection, 1, size, Query()).total
            return size, found.indices, total, count_disposed(reader.connection, 1)

    size, before, total, gone = asked(None)
    keeping.dispose()
    again, after, left, gone_since = asked(size)
    assert (again, len(before), gone) == (size, total, 0)
    assert after == tuple(index for index in before if index not in keeping.old)
    assert (left, gone_since) == (total - len(keeping.old), len(keeping.old))


def test_no_file_of_the_database_holds_any_of_it_afterwards(keeping: Keeping) -> None:
    assert MARKER.encode() in keeping.files(), "the test looks where it stands"
    word = b"xylophon"  # a part of the marker, as the full-text index has it
    assert word in keeping.files()
    job = removed_by_a_job(keeping)
    assert (job.state, job.error, job.unit) == (JobState.DONE, "", "files")
    assert job.done == job.total > 0
    held = keeping.files()
    assert MARKER.encode() not in held
    assert word not in held
    assert b"unmarked.reason5" in held, "what was not disposed of is there"


@pytest.mark.parametrize("keeping", ["sqlite"], indirect=True)
def test_a_job_that_could_not_rewrite_the_files_says_so_and_another_one_does(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrubbing._emptied.retry, "stop", stop_after_attempt(2))
    with keeping.service.store.reading() as connection:
        connection.execute(text("SELECT size FROM head")).all()
        job = removed_by_a_job(keeping)
    assert job.state is JobState.FAILED
    assert "all 4 records are removed" in job.error
    assert "somebody reads since before" in job.error
    (one,) = keeping.service.disposals.all()
    assert one.state == "disposed"
    assert started(keeping, one.disposal).state is JobState.DONE
    assert MARKER.encode() not in keeping.files()


@pytest.mark.parametrize("keeping", ["postgresql"], indirect=True)
def test_who_does_not_own_the_tables_is_told_that_nothing_of_them_was_rewritten(keeping: Keeping) -> None:
    service = keeping.service
    service.settings = msgspec.structs.replace(service.settings, owner_database=None)
    job = removed_by_a_job(keeping)
    assert job.state is JobState.FAILED
    assert "all 4 records are removed" in job.error
    assert "belong to another role" in job.error


def removed_by_a_job(keeping: Keeping) -> Job:
    """The old batch's records, all the way, as a server does it."""
    asked = keeping.request()
    keeping.approve(asked.disposal)
    keeping.wait()
    return started(keeping, asked.disposal)


def started(keeping: Keeping, disposal: str) -> Job:
    keeping.service.jobs.enqueue(DISPOSE, msgspec.json.encode(Removal(disposal=disposal)).decode())
    job = keeping.service.jobs.work_next()
    assert job is not None
    return job


def test_a_record_that_was_disposed_of_is_known_when_its_source_gives_it_again(keeping: Keeping) -> None:
    keeping.dispose()
    before = len(keeping.bodies())
    again = batch(keeping.submitted, MES, cursor_from="1", cursor_to="2")
    receipt = keeping.service.ingest.submit(again, keeping.world.root)
    assert [outcome.index for outcome in receipt.outcomes] == keeping.indices
    assert len(keeping.bodies()) == before
    assert keeping.verify(1, 2) == []


@pytest.mark.parametrize("changed", [False, True], ids=["added", "changed"])
def test_a_row_that_no_disposal_bears_out_swallows_no_record(keeping: Keeping, changed: bool) -> None:
    """Whoever writes the table says that a record was there and is gone: then its source is refused, not believed."""
    keeping.dispose()
    forged = keeping.record(77, NEW)
    prepared = Preparer(MES, frozenset({"actor.name", "object.name"}), keeping.service.keys.digests()).prepare(forged)
    assert isinstance(prepared, Draft)
    assert prepared.key is not None
    with keeping.service.store.reading() as connection:
        named = connection.execute(text("SELECT pos, row_pos, leaf_hash FROM disposed_entry LIMIT 1")).one()
    row_pos = named.row_pos if changed else pos_of(1, keeping.new)
    values = {"pos": named.pos, "row": row_pos, "leaf": named.leaf_hash, "digest": prepared.key.digest}
    owner = make_url(keeping.service.settings.owner_url(keeping.service.folder))
    driver = owner.drivername if owner.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = create_engine(owner.set(drivername=driver))
    with engine.begin() as connection:
        _disarm(connection)
        connection.execute(text("DELETE FROM disposed_entry WHERE row_pos = :row"), {"row": row_pos})
        columns = "(pos, row_pos, leaf_hash, digest) VALUES (:pos, :row, :leaf, :digest)"
        connection.execute(text(f"INSERT INTO disposed_entry {columns}"), values)
    engine.dispose()
    with pytest.raises(IntegrityError, match="does not say so"):
        keeping.service.ingest.submit(batch([forged], MES, cursor_from="1", cursor_to="2"), keeping.world.root)
    assert any(level == 2 and log == "system" for log, level, _ in keeping.verify(1, 2)), "and verification names it"


def test_all_is_rebuilt_from_a_log_of_which_records_were_disposed_of(keeping: Keeping) -> None:
    keeping.dispose()
    service = keeping.service
    before = keeping.counts()
    rebuild(service.store, service.settings.owner_url(service.folder))
    assert keeping.counts() == before
    assert keeping.verify(1, 2) == []
    keeping.fact(NEW, RetentionEvent.BATCH_EXPIRY, "2019-01-31")
    keeping.fact(NEW, RetentionEvent.CERTIFICATION, "2019-01-31")
    more = keeping.dispose()
    assert more.removed == 2, "the tables that took their place let disposals take rows as well"
    assert keeping.verify(1, 2) == []


def test_what_goes_while_tables_are_rebuilt_is_not_brought_back(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = keeping.request()
    keeping.approve(asked.disposal)
    keeping.wait()
    service, follow = keeping.service, _Rebuild._follow

    def dispose_after(self: _Rebuild) -> None:
        follow(self)
        service.disposals.run(asked.disposal, keeping.world.root)

    monkeypatch.setattr(_Rebuild, "_follow", dispose_after)
    rebuild(service.store, service.settings.owner_url(service.folder))
    assert keeping.verify(1, 2) == []
    with service.store.reading() as connection:
        assert search(connection, 1, 1000, Query(text=f"{MARKER}.reason0")).indices == ()
        assert count(connection, 1, 1000, Query(source=MES)) == 3


def test_the_database_lets_nothing_go_that_no_disposal_names(keeping: Keeping) -> None:
    keeping.dispose()
    store, pos = keeping.service.store, pos_of(1, keeping.new)
    keys = () if store.writer.dialect.name == "sqlite" else ("source_key",)  # there it has no rows
    for table in ("body", "original", "sealed_value", "record", "record_link", *keys):
        with pytest.raises(DatabaseError), store.writing() as connection:
            connection.execute(text(f"DELETE FROM {table} WHERE pos = {pos}"))
    with pytest.raises(DatabaseError), store.writing() as connection:
        remove(connection, [Doomed(pos=pos, source=MES, record_id="unmarked/id/5")])
    assert keeping.verify(1, 2) == []


def test_a_package_of_what_is_left_holds_and_one_from_before_still_does(keeping: Keeping, tmp_path: Path) -> None:
    service = keeping.service
    old, left = tmp_path / "old.zip", tmp_path / "left.zip"
    selection = BySearch(query=Query(source=MES))
    service.publisher.publish_all()
    assert issue(service, keeping.log, selection, old, keeping.world.root).records == 7
    keeping.dispose()
    service.publisher.publish_all()
    assert issue(service, keeping.log, selection, left, keeping.world.root).records == 3
    vkey = service.vkey(keeping.log)
    for package in (old, left):
        assert verify_package(package, [vkey]).exit_code is ExitCode.HOLDS
    batch_of = ByBatch(kind=LinkKind.BATCH, id=OLD)
    assert issue(service, keeping.log, batch_of, tmp_path / "batch.zip", keeping.world.root).records == 1
    assert verify_package(tmp_path / "batch.zip", [vkey]).exit_code is ExitCode.HOLDS


def test_a_long_removal_is_a_job_that_goes_on_where_it_was_ended(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PART", 2)
    asked = keeping.request()
    keeping.approve(asked.disposal)
    keeping.wait()
    jobs, told = keeping.service.jobs, []

    def watch(job: Job) -> None:
        told.append((job.done, job.total))
        jobs.cancel(job.id)

    parameters = msgspec.json.encode(Removal(disposal=asked.disposal)).decode()
    assert jobs.run_now(DISPOSE, parameters, watch).state is JobState.CANCELLED
    half = keeping.service.disposals.get(asked.disposal)
    assert (half.state, half.removed, half.total) == ("disposing", 2, 4)
    assert keeping.verify(1, 2) == []
    done = jobs.run_now(DISPOSE, parameters)
    assert (done.state, done.error) == (JobState.DONE, "")
    assert keeping.service.disposals.get(asked.disposal).state == "disposed"
    assert told[-1] == (2, 4)
    assert keeping.verify(1, 2) == []
