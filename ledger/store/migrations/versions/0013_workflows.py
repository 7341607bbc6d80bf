"""Signing workflows: routes, requests and what they are about, decisions, delegations."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import announce, create_validities

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    create_validities(
        "signing_route",
        "signing-route",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    create_validities(
        "signing_request",
        "signing-request",
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
    announce("signing-target")
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
    announce("decision")
    create_validities(
        "delegation",
        "delegation",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("delegate", sa.Text, nullable=False),
        sa.Column("from_us", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
    op.create_index("delegation_delegate", "delegation", ["log", "delegate"])
