"""Notices: every way of each, where it stands, and how often it was tried."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations import before

revision = "0015"
down_revision = before(__file__)


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    op.create_index("notice_account", "notice", ["log", "account"])
    op.create_index("notice_state", "notice", ["log", "state", "channel"])
    protect(op.get_bind(), "notice", update=True)
    op.create_table(
        "notice_attempt",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("next_us", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    protect(op.get_bind(), "notice_attempt", update=True, delete=True)
    op.create_table(
        "notice_cursor",
        sa.Column("log", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("next_index", sa.BigInteger, nullable=False),
    )
    protect(op.get_bind(), "notice_cursor", update=True)
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        " SELECT 'notice', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
