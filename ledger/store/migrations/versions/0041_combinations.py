"""PostgreSQL finds records by all that they have few values of together (`record/6`)."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.add_column("record", sa.Column("combination", sa.LargeBinary))
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("record_combination", "record", ["combination", "pos"])
