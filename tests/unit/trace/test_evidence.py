"""Evidence is proven as it is read: a table, a body or a vault value that lies is found and the entry named."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ledger.core.errors import IntegrityError, NotFound
from ledger.core.record import Action, LinkKind
from ledger.core.tokens import exact
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.trace.evidence import gather
from ledger.trace.selection import ByBatch, BySearch, Selection, matches
from tests.unit.trace.small import Small, said, small

LATER = 1_764_054_011_000_000
ALL = BySearch(query=Query())
BATCH = ByBatch(kind=LinkKind.BATCH, id="B")
OTHER_ACTOR = (
    f"UPDATE record SET actor = 'engineer1', tokens = tokens || ' \\{exact('actor', 'engineer1')}' WHERE pos = :pos"
)
"""The backslash: no parameter begins there."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Small]:
    with small(tmp_path / "ledger") as made:
        made.collect(
            [said(1, 10, Action.START, batch="B"), said(2, 11, name="A. Example"), said(3, 12, Action.STOP, batch="B")]
        )
        yield made


def alter(ledger: Small, sql: str, **values: object) -> None:
    """What an administrator of the database can do: triggers dropped, any row changed."""
    with ledger.service.store.writing() as connection:
        _drop_triggers(connection)
        connection.execute(text(sql), values)


def _drop_triggers(connection: Connection) -> None:
    for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
        connection.execute(text(f"DROP TRIGGER {name}"))


def read(ledger: Small, selection: Selection = ALL) -> list[int]:
    """The indices of the evidence, with everything read that a package reads."""
    with gather(ledger.service.store, ledger.log, selection) as evidence:
        found = [record.entry.index for record in evidence.records()]
        list(evidence.sources())
        list(evidence.runs({"dcs": (found[0], found[-1])} if found else {}))
        return found


def test_untouched_evidence_is_read_whole(ledger: Small) -> None:
    assert read(ledger) == read(ledger, BATCH) == [ledger.index[n] for n in (1, 2, 3)]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE body SET body = CAST(replace(CAST(body AS TEXT), 'operator1', 'operator2') AS BLOB) WHERE pos = :pos",
        "UPDATE body SET salt = zeroblob(32) WHERE pos = :pos",
        "DELETE FROM body WHERE pos = :pos",
        "UPDATE original SET data = x'00' WHERE pos = :pos",
        "DELETE FROM original WHERE pos = :pos",
        "UPDATE sealed_value SET value = CAST('\"B. Example\"' AS BLOB) WHERE pos = :pos",
        "UPDATE sealed_value SET member = 'reason' WHERE pos = :pos",
        "DELETE FROM sealed_value WHERE pos = :pos",
    ],
)
def test_an_altered_entry_is_never_evidence_and_is_named(ledger: Small, sql: str) -> None:
    alter(ledger, sql, pos=pos_of(1, ledger.index[2]))
    with pytest.raises(IntegrityError, match=str(ledger.index[2])):
        read(ledger)


@pytest.mark.parametrize(
    ("sql", "selection"),
    [
        (OTHER_ACTOR, BySearch(query=Query(actor="engineer1"))),
        ("INSERT INTO record_link VALUES ('batch', 'C', :pos, 'read', NULL)", ByBatch(kind=LinkKind.BATCH, id="C")),
        ("UPDATE record_link SET id = 'C' WHERE pos = :pos", BySearch(query=Query(link_id="C"))),
    ],
)
def test_a_search_table_that_names_a_record_wrongly_is_found_by_the_record_itself(
    ledger: Small, sql: str, selection: Selection
) -> None:
    assert read(ledger, selection) == []
    alter(ledger, sql, pos=pos_of(1, ledger.index[2]))
    alter(ledger, "INSERT INTO record_fts(record_fts) VALUES ('rebuild')")
    with pytest.raises(IntegrityError, match=str(ledger.index[2])):
        read(ledger, selection)


def test_an_altered_leaf_breaks_every_proof_that_rests_on_it(ledger: Small) -> None:
    sql = "UPDATE leaf SET data = CAST(replace(CAST(data AS TEXT), 'T', 't') AS BLOB) WHERE pos = :pos"
    alter(ledger, sql, pos=pos_of(1, ledger.index[2]))
    with pytest.raises(IntegrityError):
        read(ledger)


def test_a_table_of_runs_sources_or_keys_that_points_elsewhere_is_found(ledger: Small) -> None:
    alter(ledger, "UPDATE key_event SET pos = pos + 3 WHERE purpose = 'report'")
    with pytest.raises(IntegrityError):
        read(ledger)


def test_there_is_no_evidence_beyond_the_checkpoint_nor_a_verification_that_is_none(ledger: Small) -> None:
    with (
        pytest.raises(IntegrityError, match="not the result of a verification"),
        gather(ledger.service.store, ledger.log, ALL, verification=0),
    ):
        pass
    with pytest.raises(NotFound), gather(ledger.service.store, ledger.log, ALL, verification=10_000):
        pass


@pytest.mark.parametrize(
    "query",
    [
        Query(), Query(source="dcs"), Query(source="erp"), Query(action=Action.START), Query(actor="operator1"),
        Query(object_id="TIC-1.SP"), Query(link_kind=LinkKind.BATCH), Query(link_id="R-1"), Query(text="tic-1"),
        Query(text="operator1 dcs"), Query(text="nowhere"), Query(text="!!"), Query(occurred_from=LATER),
        Query(occurred_to=LATER), Query(link_kind=LinkKind.LOT, link_id="B"),
    ],
)  # fmt: skip
def test_search_and_the_records_own_bodies_agree_on_every_query(ledger: Small, query: Query) -> None:
    found = set(read(ledger, BySearch(query=query)))
    with gather(ledger.service.store, ledger.log, ALL) as evidence:
        assert found == {record.entry.index for record in evidence.records() if matches(query, record.body)}
