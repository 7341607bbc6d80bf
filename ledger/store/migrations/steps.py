"""What migrations do alike. What these make is fixed for good: ledgers were made by it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect


def create_validities(table: str, projector: str, *columns: sa.Column[Any]) -> None:
    """Creates a projection of validities (`store.schema.validities`) and announces its projector."""
    op.create_table(
        table,
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        *columns,
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    protect(op.get_bind(), table, update=True)
    announce(projector)


def create_facts(table: str, projector: str, *columns: sa.Column[Any]) -> None:
    """Creates a projection of facts with one row an entry, and announces its projector."""
    position = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(table, sa.Column("pos", position, primary_key=True, autoincrement=False), *columns)
    protect(op.get_bind(), table)
    announce(projector)


def announce(projector: str) -> None:
    """Has a ledger from before know the projector from now on; a new ledger names all its projectors itself.

    Such a ledger has no entries of the projector's kinds yet.
    """
    op.execute(
        "INSERT INTO projection_version (name, version)"
        f" SELECT '{projector}', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
