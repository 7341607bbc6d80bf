"""Persons: roles and sites of grants, credentials, failures at the door, qualifications, profile, reviews, views."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("access_grant", sa.Column("role", sa.Text, nullable=False, server_default=""))
    op.add_column("access_grant", sa.Column("sites", sa.Text, nullable=False, server_default="[]"))
    op.add_column("access_grant", sa.Column("from_us", sa.BigInteger))
    _validities(
        "credential",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("expires_us", sa.BigInteger),
    )
    op.create_index("credential_account", "credential", ["log", "account"])
    _facts(
        "sign_in",
        "sign-in",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_index("sign_in_account", "sign_in", ["account", "pos"])
    _validities(
        "qualification",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
    )
    op.create_index("qualification_account", "qualification", ["log", "account"])
    _validities("profile_item", sa.Column("value", sa.Text, nullable=False))
    _validities(
        "site_document", sa.Column("title", sa.Text, nullable=False), sa.Column("dated", sa.Text, nullable=False)
    )
    _validities("access_review", sa.Column("due_us", sa.BigInteger, nullable=False))
    _facts(
        "viewed",
        "viewed",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
    )
    op.create_index("viewed_account", "viewed", ["account", "pos"])


def _validities(table: str, *columns: sa.Column[Any]) -> None:
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
    _announce(table.replace("_", "-"))


def _facts(table: str, projector: str, *columns: sa.Column[Any]) -> None:
    position = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(table, sa.Column("pos", position, primary_key=True, autoincrement=False), *columns)
    protect(op.get_bind(), table)
    _announce(projector)


def _announce(projector: str) -> None:
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        f" SELECT '{projector}', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
