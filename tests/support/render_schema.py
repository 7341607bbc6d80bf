"""Renders the first migration from the tables that the domains declare: `python -m tests.support.render_schema`.

Only for as long as no schema was released: after that a change is a migration of its own. What it writes imports no
domain, so a table that a domain later drops or changes stays in it as it was.
"""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import Index

from ledger.store.schema import Tokens, metadata

LEDGER = Path(__file__).parents[2] / "ledger"
MIGRATION = LEDGER / "store" / "migrations" / "versions" / "0001_first_schema.py"

_HEADER = '''"""The first schema.

Each table is followed by what the service may do to its rows, besides INSERT and SELECT; all else is refused.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ledger.store.append_only import index_full_text, protect
from ledger.store.engine import is_sqlite

revision = "0001"
down_revision = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TOKENS = sa.Text().with_variant(postgresql.ARRAY(sa.Text()), "postgresql")


def upgrade() -> None:
'''


def declare_all() -> None:
    """Imports every module that declares tables."""
    for path in sorted(LEDGER.glob("*/tables.py")):
        importlib.import_module(f"ledger.{path.parent.name}.tables")


def render() -> str:
    """The whole module, as ruff formats it."""
    declare_all()
    tables = sorted(metadata.tables.values(), key=lambda table: (str(table.info["class"]), table.name))
    steps = [(table.name, "\n".join(_table(table))) for table in tables]
    calls = "".join(f"    _create_{name}()\n" for name, _ in steps)
    functions = "".join(f"\n\ndef _create_{name}() -> None:\n{code}\n" for name, code in steps)
    formatter = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(MIGRATION), "-"]
    written = subprocess.run(formatter, input=_HEADER + calls + functions, capture_output=True, text=True, check=True)
    return written.stdout


def _table(table: Table) -> Iterator[str]:
    yield "    op.create_table("
    yield f'        "{table.name}",'
    for column in table.columns:
        yield f"        {_column(column)},"
    yield f"        sa.PrimaryKeyConstraint({_names(table.primary_key)}),"
    for unique in sorted(_uniques(table), key=_names):
        yield f"        sa.UniqueConstraint({_names(unique)}),"
    if not table.dialect_options["sqlite"]["with_rowid"]:
        yield "        sqlite_with_rowid=False,"
    yield "    )"
    tokens = any(isinstance(column.type, Tokens) for column in table.columns)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        if _is_full_text(index):
            continue
        yield f'    op.create_index("{index.name}", "{table.name}", [{_names(index)}])'
    allowed = "".join(f", {verb}=True" for verb in ("update", "delete") if table.info[verb])
    yield f'    protect(op.get_bind(), "{table.name}"{allowed})'
    if tokens:
        (full_text,) = [index for index in table.indexes if _is_full_text(index)]
        yield "    if is_sqlite(op.get_bind()):"
        yield f'        index_full_text(op.get_bind(), "{table.name}")'
        yield "    else:"
        yield (
            f'        op.create_index("{full_text.name}", "{table.name}", [{_names(full_text)}],'
            ' postgresql_using="gin")'
        )


def _column(column: Column[object]) -> str:
    if column.foreign_keys or (column.server_default is not None and column.identity is None):
        raise NotImplementedError(f"{column}: only plain and identity columns are rendered")
    identity = ", sa.Identity()" if column.identity is not None else ""
    nullable = "" if column.nullable else ", nullable=False"
    manual = ", autoincrement=False" if column.primary_key and column.autoincrement is False else ""
    return f'sa.Column("{column.name}", {_type(column)}{identity}{nullable}{manual})'


def _type(column: Column[object]) -> str:
    kind = column.type
    if isinstance(kind, Tokens):
        return "TOKENS"
    if kind._variant_mapping:
        return "POSITION"
    for known in (BigInteger, SmallInteger, Integer, LargeBinary, Boolean, Text):
        if isinstance(kind, known):
            return f"sa.{known.__name__}"
    raise NotImplementedError(f"{column}: type {kind!r}")


def _names(of: PrimaryKeyConstraint | UniqueConstraint | Index) -> str:
    return ", ".join(f'"{column.name}"' for column in of.columns)


def _uniques(table: Table) -> list[UniqueConstraint]:
    return [one for one in table.constraints if isinstance(one, UniqueConstraint)]


def _is_full_text(index: Index) -> bool:
    return any(isinstance(column.type, Tokens) for column in index.columns)


if __name__ == "__main__":
    MIGRATION.write_text(render())
