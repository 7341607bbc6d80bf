"""Parameters; classes and criticality of assets, shared accounts: null in rows that older entries gave."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations.steps import create_validities

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("identity", sa.Column("shared", sa.SmallInteger))
    op.add_column("asset", sa.Column("asset_class", sa.Text))
    op.add_column("asset", sa.Column("critical", sa.SmallInteger))
    create_validities(
        "parameter",
        "parameter",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("type", sa.Text),
        sa.Column("applies_us", sa.BigInteger),
        sa.Column("removed", sa.SmallInteger, nullable=False),
    )
    op.create_index("parameter_name", "parameter", ["log", "name"])
