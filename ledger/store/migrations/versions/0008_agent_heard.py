"""When each connected agent was last heard."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "agent_heard",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("log", "agent"),
    )
    protect(op.get_bind(), "agent_heard", update=True)
