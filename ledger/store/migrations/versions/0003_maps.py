"""The dated maps: whose an account is, where a tag stands, which shifts are worked."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _create(
        "identity",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        index=("log", "source", "account"),
    )
    _create(
        "asset",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("site", sa.Text),
        sa.Column("area", sa.Text),
        sa.Column("line", sa.Text),
        sa.Column("unit", sa.Text),
        sa.Column("equipment", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("gxp", sa.SmallInteger, nullable=False),
        index=("log", "source", "tag"),
    )
    _create(
        "calendar",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("shifts", sa.Integer, nullable=False),
    )


def _create(name: str, *columns: sa.Column[Any], index: Sequence[str] = ()) -> None:
    op.create_table(
        name,
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        *columns,
        sa.Column("from_us", sa.BigInteger, nullable=False),
        sa.Column("to_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    if index:
        op.create_index(f"{name}_{index[-1]}", name, list(index))
    protect(op.get_bind(), name, update=True)
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        f" SELECT '{name}', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
