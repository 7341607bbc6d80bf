"""A lie in any table that is evidence is found, on either database, and the first bad entry is named."""

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError

from ledger.core.tables import TableClass
from ledger.store.schema import metadata
from tests.support.postgres import PostgresServer
from tests.tamper.attacks import FREE_LOG, Attack, Inapplicable, attacks, evidence_tables, mount, read
from tests.tamper.template import Template, build

ATTACKS = list(attacks())
LEVEL_1 = frozenset({"leaf", "body", "head", "tile"})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """The ledger that all attacks of one database are made on, each in a transaction that is rolled back."""
    database = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        database = server.create_database()
    made = build(tmp_path_factory.mktemp("tamper") / "ledger", database)
    yield made
    made.close()


def test_the_untouched_ledger_verifies(template: Template) -> None:
    with template.attacking() as connection:
        assert template.first_fault(connection) is None


def test_every_evidence_table_has_rows_to_attack(template: Template) -> None:
    with template.attacking() as connection:
        few = [table.name for table in evidence_tables() if len(read(connection, table)) < 2]
    assert not few, f"give the template entries that fill {few}"


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_a_lie_in_a_table_is_found_and_its_first_entry_named(template: Template, attack: Attack) -> None:
    with template.attacking() as connection:
        try:
            entries = mount(connection, attack)
        except (Inapplicable, IntegrityError) as refused:
            pytest.skip(f"changes nothing, or the table refuses it: {type(refused).__name__}")
        fault = template.first_fault(connection)
        if attack.table in LEVEL_1:
            template.verify(connection)  # the higher levels have to say something of broken entries too, not to break
    assert fault is not None, f"not found: {attack}"
    named = (fault.log, fault.index)
    if fault.log == FREE_LOG:
        assert min(entries)[0] <= FREE_LOG <= max(entries)[0], str(fault)  # a log without entries: only it can be named
    elif attack.table == "tile" and named < min(entries):
        assert "too many" in fault.what, str(fault)  # a tile beyond all entries: only the last one can be named
    elif "pos" in metadata.tables[attack.table].columns:
        assert named == min(entries), str(fault)
    else:
        assert named in entries, str(fault)


def test_every_operational_table_says_why_lying_in_it_changes_no_answer() -> None:
    for table in metadata.sorted_tables:
        if table.info["class"] is TableClass.OPERATIONAL:
            assert len(table.info["why"].split()) > 8, table.name


def test_every_table_has_a_class() -> None:
    assert {table.info["class"] for table in metadata.sorted_tables} == set(TableClass)
