"""Rules and facts of retention, disposals, and the entries that are disposed of."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import allow_disposal, protect
from ledger.store.migrations.steps import announce, create_validities

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    create_validities(
        "retention_rule",
        "retention-rule",
        sa.Column("retention", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    create_validities(
        "retention_fact",
        "retention-fact",
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
    )
    op.create_index("retention_fact_subject", "retention_fact", ["log", "subject_kind", "subject"])
    create_validities(
        "disposal",
        "disposal",
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("disposal_log", sa.Text, nullable=False),
    )
    op.create_table(
        "disposed_entry",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("row_pos", sa.BigInteger, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary),
        sa.PrimaryKeyConstraint("row_pos", "pos"),
        sqlite_with_rowid=False,
    )
    op.create_index("disposed_entry_pos", "disposed_entry", ["pos"])
    op.create_index("disposed_entry_digest", "disposed_entry", ["digest"])
    protect(op.get_bind(), "disposed_entry")
    allow_disposal(op.get_bind())
    announce("disposed-entry")
