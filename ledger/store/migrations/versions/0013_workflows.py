"""Signing workflows: routes, requests and what they are about, decisions, delegations."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    _validities(
        "signing_route", sa.Column("title", sa.Text, nullable=False), sa.Column("state", sa.Text, nullable=False)
    )
    _validities(
        "signing_request",
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
    )
    op.create_index("signing_request_state", "signing_request", ["log", "state", "to_index"])
    op.create_table(
        "signing_target",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("entry", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pos", "entry"),
        sqlite_with_rowid=False,
    )
    op.create_index("signing_target_entry", "signing_target", ["origin", "entry"])
    protect(op.get_bind(), "signing_target")
    _announce("signing-target")
    position = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "decision",
        sa.Column("pos", position, primary_key=True, autoincrement=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
    )
    op.create_index("decision_request", "decision", ["request", "pos"])
    op.create_index("decision_account", "decision", ["account", "pos"])
    protect(op.get_bind(), "decision")
    _announce("decision")
    _validities(
        "delegation",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("delegate", sa.Text, nullable=False),
        sa.Column("from_us", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
    op.create_index("delegation_delegate", "delegation", ["log", "delegate"])


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


def _announce(projector: str) -> None:
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        f" SELECT '{projector}', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
