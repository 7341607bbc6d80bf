"""Sets that are too large to be listed: which entries a signature or a request over one is about."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import announce

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "set_run",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("low", sa.BigInteger, nullable=False),
        sa.Column("high", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pos", "low"),
        sqlite_with_rowid=False,
    )
    op.create_index("set_run_origin", "set_run", ["origin", "sort", "low"])
    protect(op.get_bind(), "set_run")
    announce("signed-set")
