"""Signing in: what is good for one use, resets by two people, sessions by account."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import create_validities

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "door_use",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
    op.create_index("door_use_until", "door_use", ["until_us"])
    protect(op.get_bind(), "door_use", update=True, delete=True)
    create_validities(
        "reset_request",
        "reset-request",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("lapses_us", sa.BigInteger, nullable=False),
    )
    op.create_index("reset_request_account", "reset_request", ["log", "account"])
    op.create_index("browser_session_account", "browser_session", ["log", "account"])
