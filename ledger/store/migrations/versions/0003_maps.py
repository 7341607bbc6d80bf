"""The dated maps: whose an account is, where a tag stands, which shifts are worked."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations.steps import create_validities

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
    span = (sa.Column("from_us", sa.BigInteger, nullable=False), sa.Column("to_us", sa.BigInteger))
    create_validities(name, name, *columns, *span)
    if index:
        op.create_index(f"{name}_{index[-1]}", name, list(index))
