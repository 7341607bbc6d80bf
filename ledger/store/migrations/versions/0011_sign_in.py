"""Signing in: what is good for one use, resets by two people, sessions by account."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

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
    op.create_table(
        "reset_request",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("lapses_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    op.create_index("reset_request_account", "reset_request", ["log", "account"])
    protect(op.get_bind(), "reset_request", update=True)
    op.create_index("browser_session_account", "browser_session", ["log", "account"])
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        " SELECT 'reset-request', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
