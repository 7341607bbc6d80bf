"""A lie in any table that is evidence is found, on either database, and the first bad entry is named."""

import itertools
import random
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import IntegrityError

from ledger.core.members import Members
from ledger.core.tables import TableClass
from ledger.domains import impacts
from ledger.findings.impact import Reading
from ledger.integrity.incidents.damage import damage_of
from ledger.integrity.incidents.impacts import impact_of
from ledger.integrity.level3 import log_keys
from ledger.people import notice_tables, oidc_tables, tables
from ledger.privacy import tables as privacy
from ledger.signing import external_tables, paper_tables, route_tables
from ledger.signing import tables as signing_tables
from ledger.store.position import pos_of
from ledger.store.schema import metadata
from tests.support.postgres import PostgresServer
from tests.support.sampled import WHOLE
from tests.support.seeds import SEED
from tests.tamper.attacks import FREE_LOG, Attack, Inapplicable, attacks, evidence_tables, mount, read
from tests.tamper.template import Template, build

ATTACKS = [attack for attack in attacks() if not attack.has_no_effect]
WITHOUT_EFFECT = [attack for attack in attacks() if attack.has_no_effect]
SORTS = sorted({attack.sort for attack in ATTACKS})
_MODULES = (tables, notice_tables, oidc_tables, signing_tables, route_tables, external_tables, paper_tables, privacy)
OF_PEOPLE = {one.name for module in _MODULES for one in vars(module).values() if isinstance(one, Table)}
"""Who may do what, and who signed: each such table is attacked a second time in each run, in a column."""
DIALECTS = ("sqlite", "postgresql")
EMPTY = {("sqlite", "source_key")}
"""Tables that a database has no rows in: SQLite knows records by their tokens in the full-text index."""


def _cases(soak: bool) -> list[tuple[str, Attack]]:
    """Every attack on both databases; or each table on one, those of people on the other too, each sort on both."""
    if soak:
        return [case for case in itertools.product(DIALECTS, ATTACKS) if (case[0], case[1].table) not in EMPTY]
    chance = random.Random(SEED)
    drawn = chance.sample(ATTACKS, len(ATTACKS))
    of_each = {attack.table: attack for attack in drawn}
    columns = {attack.table: attack for attack in drawn if attack.column and attack != of_each[attack.table]}
    chosen: list[tuple[str, Attack]] = []
    for number, table in enumerate(chance.sample(sorted(of_each), len(of_each))):
        here, there = DIALECTS[number % 2], DIALECTS[(number + 1) % 2]
        if (here, table) in EMPTY:
            here = there
        chosen += [(here, of_each[table]), *([(there, columns[table])] if table in OF_PEOPLE else [])]
    for dialect, sort in itertools.product(DIALECTS, SORTS):
        of_sort = [attack for attack in drawn if attack.sort == sort and (dialect, attack.table) not in EMPTY]
        if not any((dialect, attack) in chosen for attack in of_sort):
            chosen.append((dialect, of_sort[0]))
    return sorted(chosen, key=lambda case: DIALECTS.index(case[0]))


CASES = _cases(WHOLE)
on_both = pytest.mark.parametrize("template", ["sqlite", "postgresql"], indirect=True)
LEVEL_1 = frozenset({"leaf", "body", "head", "tile"})


@pytest.fixture(scope="module")
def templates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Template]]:
    """The ledgers that are attacked, one a database, made when first asked for."""
    made: dict[str, Template] = {}

    def get(dialect: str) -> Template:
        if dialect not in made:
            database = administrator = None
            if dialect == "postgresql":
                server: PostgresServer = request.getfixturevalue("postgres_server")
                database = server.create_database()
                administrator = server.admin_dsn(database.name)
            made[dialect] = build(tmp_path_factory.mktemp("tamper") / "ledger", database, administrator)
        return made[dialect]

    yield get
    for template in made.values():
        template.close()


@pytest.fixture
def template(request: pytest.FixtureRequest, templates: Callable[[str], Template]) -> Template:
    """The ledger on the database that the test names; every attack on it is rolled back."""
    return templates(request.param)


@on_both
def test_the_untouched_ledger_verifies(template: Template) -> None:
    with template.attacking() as connection:
        assert template.first_fault(connection) is None


@on_both
def test_every_evidence_table_has_rows_to_attack(template: Template) -> None:
    with template.attacking() as connection:
        tables = [table for table in evidence_tables() if (connection.dialect.name, table.name) not in EMPTY]
        few = [table.name for table in tables if len(read(connection, table)) < 2]
    assert not few, f"give the template entries that fill {few}"


@pytest.mark.parametrize(("template", "attack"), CASES, indirect=["template"], ids=str)
@pytest.mark.requirement("R01")
def test_a_lie_in_a_table_is_found_and_its_first_entry_named(template: Template, attack: Attack) -> None:
    with template.attacking() as connection:
        entries = mount(connection, attack)
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


PLANTED = (
    Attack(table="body", sort="change", column="body"),
    Attack(table="leaf", sort="change", column="data"),
    Attack(table="body", sort="delete-middle"),
    Attack(table="leaf", sort="delete-last"),
    Attack(table="record", sort="delete-middle"),
    Attack(table="record", sort="reorder"),
    Attack(table="finding", sort="change", column="detail"),
    Attack(table="original", sort="insert-between"),
)
"""An edit, a deletion, an insertion, a swap, and the last entry cut off."""


def bare(connection: Connection, log: int, index: int) -> bool:
    """Whether no projection has a row of this entry."""
    tables = [one for one in metadata.sorted_tables if one.info["class"] is TableClass.PROJECTION and "pos" in one.c]
    rows = (select(table.c.pos).where(table.c.pos == pos_of(log, index)).limit(1) for table in tables)
    return all(connection.scalar(row) is None for row in rows)


@pytest.mark.sampled
@on_both
@pytest.mark.parametrize("attack", PLANTED, ids=str)
def test_the_impact_list_is_that_of_the_planted_damage(template: Template, attack: Attack) -> None:
    kinds = template.store.kinds
    origins = {log.number: log.origin for log in template.logs}

    def resting(connection: Connection, affected: dict[int, Members]) -> set[tuple[str, str]]:
        return {(one.sort, one.id) for one in impact_of(impacts(), Reading(connection, kinds, origins), affected)}

    with template.attacking() as connection:
        trial = connection.begin_nested()
        planted: dict[int, list[int]] = {}
        for number, index in sorted(mount(connection, attack)):
            planted.setdefault(number, []).append(index)
        trial.rollback()
        entries = {number: Members.of(indices) for number, indices in planted.items()}
        wanted = resting(connection, entries)
        if attack.table in ("leaf", "body"):
            # What is on them can't be read any more: those that no other table knows are named themselves.
            every = [(log, index) for log, indices in planted.items() for index in indices]
            wanted |= {("lost", f"{origins[log]}#{index}") for log, index in every if bare(connection, log, index)}
        mount(connection, attack)
        affected = {}
        for log in template.logs:
            keys = log_keys(connection, kinds).get(log.origin, ())
            live = template.store.projections.read_live(connection)
            found = damage_of(connection, log, keys, (), kinds, live).affected
            if found:
                affected[log.number] = found
        assert affected == entries
        assert resting(connection, affected) == wanted
        assert wanted or attack.table != "record"


@pytest.mark.sampled
@on_both
@pytest.mark.parametrize("attack", WITHOUT_EFFECT, ids=str)
def test_an_attack_that_is_left_out_would_change_nothing(template: Template, attack: Attack) -> None:
    with template.attacking() as connection, pytest.raises((Inapplicable, IntegrityError)):
        mount(connection, attack)


def test_every_operational_table_says_why_lying_in_it_changes_no_answer() -> None:
    for table in metadata.sorted_tables:
        if table.info["class"] is TableClass.OPERATIONAL:
            assert len(table.info["why"].split()) > 8, table.name


def test_a_soak_attacks_every_column_of_every_evidence_table_and_each_run_every_table() -> None:
    evidence = {table.name for table in evidence_tables()}
    for dialect in DIALECTS:
        whole = [attack for database, attack in _cases(soak=True) if database == dialect]
        tables = [table for table in evidence_tables() if (dialect, table.name) not in EMPTY]
        names = {table.name for table in tables}
        assert {str(attack) for attack in whole} == {str(attack) for attack in ATTACKS if attack.table in names}
        changed = {(attack.table, attack.column) for attack in whole if attack.sort == "change"}
        assert changed == {(table.name, column.name) for table in tables for column in table.columns}
        assert {attack.sort for database, attack in _cases(soak=False) if database == dialect} == set(SORTS)
    drawn = _cases(soak=False)
    assert len(set(drawn)) == len(drawn)
    assert {attack.table for _, attack in drawn} == evidence
    for table in evidence & OF_PEOPLE:
        assert {dialect for dialect, attack in drawn if attack.table == table} == set(DIALECTS)
    assert len(evidence & OF_PEOPLE) > 30


def test_every_table_has_a_class() -> None:
    assert {table.info["class"] for table in metadata.sorted_tables} == set(TableClass)
