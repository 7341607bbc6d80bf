"""A damage opens one case: with the bytes kept, exactly the entries that are damaged, and what rests on them."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64
from ledger.core.members import Members
from ledger.core.record import Link, LinkBasis, LinkKind
from ledger.findings.incident_kinds import CaseEvent, Cause
from ledger.integrity.incidents.cases import Case
from ledger.integrity.incidents.standing import answered
from ledger.packages import issue
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.store.schema import head
from ledger.trace.selection import ByBatch
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, submission

pytestmark = pytest.mark.sampled

MARKS = ("checkpoint", "checkpoint_intent")


def links(number: int) -> tuple[Link, ...]:
    return (Link(kind=LinkKind.BATCH, id=f"B-{number}", basis=LinkBasis.READ),)


def fill(ledger: Ledger, first: int, count: int) -> None:
    """Records of which each is of a batch of its own."""
    ledger.submit([submission(number, links=links(number)) for number in range(first, first + count)])


def signed_for(ledger: Ledger) -> Ledger:
    """A ledger of more than a tile, signed for and verified."""
    fill(ledger, 0, 300)
    ledger.service.publisher.publish_all()
    assert ledger.service.verifier.run(ledger.service.log()).holds
    return ledger


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Such a ledger, on either database."""
    return signed_for(ledger)


@pytest.fixture
def on_sqlite(sqlite_ledger: Ledger) -> Ledger:
    """The same on SQLite alone."""
    return signed_for(sqlite_ledger)


def attack(ledger: Ledger, *statements: str) -> None:
    with ledger.administrator() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def at(index: int) -> int:
    return pos_of(RECORDS, index)


def opened(ledger: Ledger) -> Case:
    """The only case, after a verification that fails."""
    assert not ledger.service.verifier.run(ledger.service.log()).holds
    (case,) = ledger.service.cases.all()
    return case


def touched(ledger: Ledger, case: Case) -> list[int]:
    (entries,) = case.opened.affected
    assert entries.origin == ledger.service.log().origin
    return list(Members.read(entries.runs))


def batches(case: Case) -> set[str]:
    return {one.id for one in case.opened.links if one.kind == "batch"}


def record_of(ledger: Ledger, number: int) -> int:
    """The index of the record of that number."""
    ((pos,),) = ledger.query(f"SELECT pos FROM record_link WHERE kind = 'batch' AND id = 'B-{number}'")
    return int(pos) - at(0)


def other_body(connection: Connection, index: int) -> None:
    connection.exec_driver_sql(
        f"UPDATE body SET body = (SELECT body FROM body b WHERE b.pos = {at(index + 1)}) WHERE pos = {at(index)}"
    )


def test_an_edited_entry_opens_a_case_with_its_bytes_and_what_rests_on_it(on_sqlite: Ledger) -> None:
    index = record_of(on_sqlite, 7)
    with on_sqlite.administrator() as connection:
        other_body(connection, index)
    case = opened(on_sqlite)
    assert (case.state, case.opened.cause) == (CaseEvent.OPENED, Cause.VERIFICATION)
    assert touched(on_sqlite, case) == [index]
    # The row still says its own batch, and the body that was put there another one's.
    assert batches(case) == {"B-7", "B-8"}
    folder: Path = on_sqlite.folder / "kept" / "incidents" / case.case
    assert {one.name for one in case.opened.evidence} >= {
        "rows.jsonl",
        "impact.jsonl",
        "ledger.sqlite",
        "records.signed",
    }
    for kept in case.opened.evidence:
        assert b64(sha256((folder / kept.name).read_bytes()).digest()) == kept.sha256
        assert (folder / kept.name).stat().st_mode & 0o077 == 0
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    bodies = {row["row"]["pos"]: row["row"]["body"]["base64"] for row in rows if row["table"] == "body"}
    assert set(bodies) == {at(index - 1), at(index), at(index + 1)}
    assert bodies[at(index)] == bodies[at(index + 1)]
    assert any(row["table"] == "tile" for row in rows)
    (proven,) = case.opened.proven
    assert proven.signed == proven.size
    assert proven.size > index


def test_the_same_damage_opens_no_second_case_and_another_one_does(on_sqlite: Ledger) -> None:
    with on_sqlite.administrator() as connection:
        other_body(connection, record_of(on_sqlite, 7))
    first = opened(on_sqlite)
    assert opened(on_sqlite).case == first.case
    assert [one.name for one in on_sqlite.service.cases.folder.iterdir()] == [first.case]
    with on_sqlite.administrator() as connection:
        other_body(connection, record_of(on_sqlite, 3))
    assert not on_sqlite.service.verifier.run(on_sqlite.service.log()).holds
    second, _ = on_sqlite.service.cases.all()
    assert touched(on_sqlite, second) == sorted([record_of(on_sqlite, 3), record_of(on_sqlite, 7)])


def test_all_damage_is_found_not_only_the_first(filled: Ledger) -> None:
    gone, edited, row, late = (record_of(filled, number) for number in (5, 100, 200, 290))
    with filled.administrator() as connection:
        for table in ("leaf", "body"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE pos = {at(gone)}")
        other_body(connection, edited)
        connection.exec_driver_sql(f"UPDATE record SET actor = 'nobody' WHERE pos = {at(row)}")
        connection.exec_driver_sql(f"UPDATE leaf SET data = {_flipped(filled)} WHERE pos = {at(late)}")
    case = opened(filled)
    assert touched(filled, case) == [gone, edited, row, late]
    assert batches(case) == {"B-5", "B-100", "B-101", "B-200", "B-290"}


def _flipped(ledger: Ledger) -> str:
    """SQL for leaf data of another time."""
    return (
        'CAST(replace(CAST(data AS TEXT), \'"logged_at":"2\', \'"logged_at":"3\') AS BLOB)'
        if ledger.is_sqlite
        else "convert_to(replace(convert_from(data, 'UTF8'), '\"logged_at\":\"2', '\"logged_at\":\"3'), 'UTF8')"
    )


def test_a_row_that_was_put_beside_the_entries_is_told_with_its_batch(on_sqlite: Ledger) -> None:
    index = record_of(on_sqlite, 50)
    attack(on_sqlite, f"INSERT INTO record_link VALUES ('batch', 'B-planted', {at(index)}, 'read', NULL)")
    case = opened(on_sqlite)
    assert touched(on_sqlite, case) == [index]
    assert batches(case) == {"B-50", "B-planted"}


def test_entries_that_were_cut_off_are_told_by_what_the_signer_signed(filled: Ledger) -> None:
    before = filled.query(f"SELECT size, leaf_hash, logged_us, frontier FROM head WHERE log = {RECORDS}")[0]
    cut = before[0]
    fill(filled, 300, 20)
    filled.service.publisher.publish_all()
    marks = [f"DELETE FROM {table} WHERE log = {RECORDS} AND size > {cut}" for table in MARKS]
    gone = f"WHERE pos >= {at(cut)} AND pos < {at(2**39)}"
    with filled.administrator() as connection:
        size, leaf, logged, frontier = before
        rewound = {"size": size, "leaf_hash": leaf, "logged_us": logged, "frontier": frontier}
        connection.execute(update(head).where(head.c.log == RECORDS).values(rewound))
        for statement in (*marks, f"DELETE FROM leaf {gone}", f"DELETE FROM body {gone}"):
            connection.exec_driver_sql(statement)
    case = opened(filled)
    assert touched(filled, case) == list(range(cut, cut + 21))
    # The rows that were left behind say of which batches the lost entries were.
    assert batches(case) == {f"B-{number}" for number in range(300, 320)}
    (proven,) = case.opened.proven
    assert (proven.size, proven.signed) == (cut - 1, cut + 21)


def test_a_checkpoint_that_was_altered_damages_no_entry_but_the_one_that_names_it(on_sqlite: Ledger) -> None:
    fill(on_sqlite, 300, 5)
    on_sqlite.service.publisher.publish_all()
    ((size,),) = on_sqlite.query(f"SELECT min(size) FROM checkpoint WHERE log = {RECORDS} AND size > 1")
    attack(on_sqlite, f"UPDATE checkpoint_intent SET root = (SELECT salt FROM body LIMIT 1) WHERE size = {size}")
    case = opened(on_sqlite)
    assert touched(on_sqlite, case) == [size - 1]


def test_answers_that_rest_on_a_doubted_entry_are_unknown_and_no_package_is_issued(
    on_sqlite: Ledger, tmp_path: Path
) -> None:
    service, log, index = on_sqlite.service, on_sqlite.service.log(), record_of(on_sqlite, 7)
    with on_sqlite.administrator() as connection:
        connection.exec_driver_sql(f"UPDATE record SET actor = 'nobody' WHERE pos = {at(index)}")
    with on_sqlite.store.reading() as connection:
        assert service.standings.now(connection).doubts == ()
    case = opened(on_sqlite).case
    with on_sqlite.store.reading() as connection:
        standing = service.standings.now(connection)
    assert (standing.of_entry(log.number, index), standing.of_entry(log.number, index + 1)) == (case, None)
    assert standing.of_entry(0, index) is None
    assert (standing.of_link(log.number, "batch", "B-7"), standing.of_link(log.number, "batch", "B-8")) == (case, None)
    for query, doubted in (
        (Query(link_kind=LinkKind.BATCH, link_id="B-7"), case),
        (Query(link_kind=LinkKind.BATCH, link_id="B-8"), None),
        (Query(text="B-8"), case),
    ):
        assert answered(standing, log.number, query, ()) == doubted
    with pytest.raises(IntegrityError, match=case):
        issue(service, log, ByBatch(kind=LinkKind.BATCH, id="B-7"), tmp_path / "one.zip", AUTHORITY)
    assert not (tmp_path / "one.zip").exists()
    issue(service, log, ByBatch(kind=LinkKind.BATCH, id="B-8"), tmp_path / "other.zip", AUTHORITY)
