"""A statement is compiled once a process, whichever ledger of a sort of database asks it first."""

from pathlib import Path

from sqlalchemy import select

from ledger.store.compiled import COMPILED
from ledger.store.engine import writer_engine
from ledger.store.schema import metadata


def test_a_second_database_finds_what_the_first_one_compiled(tmp_path: Path) -> None:
    table = metadata.tables["ledger_log"]
    query = select(table.c.origin.label("as_nobody_else_asks"))
    found = []
    for name in ("one", "two"):
        engine = writer_engine(f"sqlite:///{tmp_path / name}")
        with engine.begin() as connection:
            table.create(connection)
            connection.execute(
                table.insert(), {column.name: name if column.name == "origin" else 1 for column in table.c}
            )
        before = len(COMPILED)
        with engine.connect() as connection:
            assert connection.execute(query).scalars().all() == [name]
        found.append(len(COMPILED) - before)
        engine.dispose()
    assert found == [1, 0]
