"""Notices: every way of each, and where it stands. Searches for persons, open purposes, erasures, legal holds."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import allow_erasure, protect
from ledger.store.migrations.steps import announce, create_validities

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    create_validities(
        "notice",
        "notice",
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_index("notice_account", "notice", ["log", "account"])
    op.create_index("notice_state", "notice", ["log", "state", "channel"])
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
    _look_ups()
    _erasures()
    announce("look-up")
    announce("erased-row")


def _look_ups() -> None:
    position = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "look_up",
        sa.Column("pos", position, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_index("look_up_account", "look_up", ["account", "pos"])
    protect(op.get_bind(), "look_up")
    op.create_table(
        "looked_for",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", "pos"),
        sqlite_with_rowid=False,
    )
    protect(op.get_bind(), "looked_for")
    create_validities(
        "purpose_session",
        "purpose-session",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    op.create_index("purpose_session_account", "purpose_session", ["log", "account"])


def _erasures() -> None:
    create_validities("erasure", "erasure", sa.Column("state", sa.Text, nullable=False))
    create_validities(
        "legal_hold",
        "legal-hold",
        sa.Column("hold_log", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
    )
    op.create_table(
        "erased_row",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("row_pos", sa.BigInteger, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("ordinal", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("pos", "row_pos", "sort", "ordinal"),
        sqlite_with_rowid=False,
    )
    op.create_index("erased_row_row", "erased_row", ["row_pos", "sort", "ordinal"])
    protect(op.get_bind(), "erased_row")
    allow_erasure(op.get_bind())
