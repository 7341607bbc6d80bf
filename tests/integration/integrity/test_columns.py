"""The column check of level 1 takes what the projector wrote for any record, and nothing else."""

import pytest
from sqlalchemy import Connection, text

from ledger.core.record import Link, LinkBasis, LinkKind, Target
from ledger.domains import assembly
from ledger.integrity.chain import RANGE, Chain
from ledger.integrity.columns import RecordColumns
from ledger.integrity.edge import START
from ledger.integrity.fault import Fault
from ledger.integrity.level1 import verify_span
from ledger.store.projections import Projections
from tests.support.ledgers import RECORDS, Ledger, source_time, submission

pytestmark = pytest.mark.sampled

LINKS = (
    Link(kind=LinkKind.LOT, id="b", basis=LinkBasis.READ),
    Link(kind=LinkKind.BATCH, id="Z", basis=LinkBasis.DERIVED),
    Link(kind=LinkKind.BATCH, id="ä", basis=LinkBasis.READ),
)
AGAIN = Link(kind=LinkKind.LOT, id="b", basis=LinkBasis.DERIVED)


def fill(ledger: Ledger, count: int = 700) -> int:
    """Records with every kind of text, and as many links as there are; returns the log's size."""
    texts = [
        'quote " and \\',
        "tab\tline\nfeed \x01 bell\x07 del\x7f",
        "ä € 🜁 \u2028",
        "B-2026/0001",
        "\ue000\U0001f701",
    ]
    ledger.submit(
        [
            submission(
                number,
                object=Target(type="tag", id=texts[number % 5]),
                links=(*LINKS[: number % 4], *([AGAIN] if number % 8 == 7 else [])),
                reason=None if number % 2 else texts[number % 5],
                source_recorded_at=source_time(number) if number % 3 else None,
            )
            for number in range(count)
        ]
    )
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


def first_fault(ledger: Ledger, connection: Connection, size: int) -> Fault | None:
    kinds, projectors = assembly(ledger.dialect)
    live = Projections(projectors).read_live(connection)
    return verify_span(connection, RECORDS, 0, size, kinds, live, True, lambda done: None).fault


def test_what_was_appended_passes(ledger: Ledger) -> None:
    size = fill(ledger)
    with ledger.store.reading() as connection:
        assert first_fault(ledger, connection, size) is None


def test_ordinary_records_pass_without_a_second_look(ledger: Ledger) -> None:
    ledger.submit([submission(number, links=LINKS[: number % 4]) for number in range(700)])
    with ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
        with Chain(reader.connection, RECORDS, START, size, RecordColumns(reader.connection)) as chain:
            while chain.edge.size < size:
                chain.run()


LIES: dict[str, tuple[str, int]] = {
    "actor taken away": ("UPDATE record SET actor = NULL WHERE pos = {pos}", 300),
    "text for null": ("UPDATE record SET recorded_us = 0 WHERE pos = {pos} AND recorded_us IS NULL", 303),
    "row taken away": ("DELETE FROM record WHERE pos = {pos}", 512),
    "row moved to an entry that is no record": ("UPDATE record SET pos = {pos} WHERE pos = {pos} + 400", 0),
    "action changed in the next range": ("UPDATE record SET action = 'delete' WHERE pos = {pos}", RANGE),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_in_a_search_column_is_named(ledger: Ledger, lie: str) -> None:
    size = fill(ledger, max(700, LIES[lie][1] + 3))
    tell(ledger, *LIES[lie])
    with ledger.store.reading() as connection:
        fault = first_fault(ledger, connection, size)
    assert fault is not None
    assert (fault.index, fault.table) == (LIES[lie][1], "record"), str(fault)


def tell(ledger: Ledger, lie: str, index: int) -> None:
    with ledger.administrator() as connection:
        done = connection.execute(text(lie.format(pos=(RECORDS << 40) + index)))
        assert done.rowcount >= 1


NEW_LINK = "INSERT INTO record_link (kind, id, pos, basis) VALUES ('lot', 'x', {pos}, 'read')"
PROJECTED: dict[str, tuple[str, int]] = {
    "link moved to another entry": ("UPDATE record_link SET pos = {pos} + 1 WHERE pos = {pos} AND kind = 'lot'", 298),
    "link of the last entry taken away": ("DELETE FROM record_link WHERE pos = {pos}", 702),
    "link where none is": (NEW_LINK, 400),
    "link at the end of a range": (NEW_LINK, 1023),
}
KEYS = {
    "sqlite": ("INSERT INTO source_key VALUES (1, 'erp', '77', x'00', {pos})", 77),
    "postgresql": ("UPDATE source_key SET log = 5 WHERE pos = {pos}", 77),
}
"""SQLite has none: it knows records by their tokens."""


@pytest.mark.parametrize("lie", [*PROJECTED, "key"])
def test_a_lie_in_links_or_keys_is_named_by_level_2(ledger: Ledger, lie: str) -> None:
    fill(ledger)
    ledger.submit([submission(number) for number in range(700, 1100)])
    statement, index = PROJECTED.get(lie, KEYS[ledger.dialect])
    tell(ledger, statement, index)
    fault = ledger.service.verifier.run(ledger.service.log(), levels=(2,)).fault
    assert fault is not None
    assert fault.index == index, str(fault)


@pytest.mark.parametrize("number", [255, 256, 300])
def test_a_link_between_two_entries_is_a_fault(sqlite_ledger: Ledger, number: int) -> None:
    fill(sqlite_ledger)
    with sqlite_ledger.administrator() as connection:
        connection.execute(text(NEW_LINK.format(pos=f"{(RECORDS << 40) + number}.5")))
        assert connection.execute(text("SELECT count(*) FROM record_link WHERE typeof(pos) = 'real'")).scalar() == 1
    fault = sqlite_ledger.service.verifier.run(sqlite_ledger.service.log(), levels=(2,)).fault
    assert fault is not None
    assert fault.table == "record_link"


def test_text_that_is_not_utf_8_is_a_fault_and_breaks_nothing(sqlite_ledger: Ledger) -> None:
    size = fill(sqlite_ledger)
    with sqlite_ledger.administrator() as connection:
        connection.execute(text(f"UPDATE record SET source = CAST(x'ff' AS TEXT) WHERE pos = {(RECORDS << 40) + 300}"))
    with sqlite_ledger.store.reading() as connection:
        assert first_fault(sqlite_ledger, connection, size) is not None
    assert not sqlite_ledger.service.verifier.run(sqlite_ledger.service.log()).holds
