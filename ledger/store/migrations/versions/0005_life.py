"""The life of sources, and the inventory of the site's systems."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _create(
        "source_life",
        "source-life",
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("facts", sa.Text),
    )
    _create(
        "site_system",
        "system",
        sa.Column("criticality", sa.Text, nullable=False),
        sa.Column("trail", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("standing", sa.Text, nullable=False),
    )


def _create(table: str, projector: str, *columns: sa.Column[Any]) -> None:
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
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        f" SELECT '{projector}', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
