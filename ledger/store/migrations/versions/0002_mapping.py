"""Which entry holds the mapping of each source."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "mapping",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        sa.Column("characters", sa.Integer),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    protect(op.get_bind(), "mapping", update=True)
    # A ledger from before has no such entries; its appends and replays must know the projector from now on. A new
    # ledger names all its projectors itself.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        " SELECT 'mapping', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
