"""Persons: roles and sites of grants, credentials, failures at the door, qualifications, profile, reviews, views."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations.steps import create_facts, create_validities

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("access_grant", sa.Column("role", sa.Text, nullable=False, server_default=""))
    op.add_column("access_grant", sa.Column("sites", sa.Text, nullable=False, server_default="[]"))
    op.add_column("access_grant", sa.Column("from_us", sa.BigInteger))
    create_validities(
        "credential",
        "credential",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("expires_us", sa.BigInteger),
    )
    op.create_index("credential_account", "credential", ["log", "account"])
    create_facts(
        "sign_in",
        "sign-in",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_index("sign_in_account", "sign_in", ["account", "pos"])
    create_validities(
        "qualification",
        "qualification",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
    )
    op.create_index("qualification_account", "qualification", ["log", "account"])
    create_validities("profile_item", "profile-item", sa.Column("value", sa.Text, nullable=False))
    create_validities(
        "site_document",
        "site-document",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("dated", sa.Text, nullable=False),
    )
    create_validities("access_review", "access-review", sa.Column("due_us", sa.BigInteger, nullable=False))
    create_facts(
        "viewed",
        "viewed",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
    )
    op.create_index("viewed_account", "viewed", ["account", "pos"])
