"""Records are found by workstation, role, reason, sequence, three times and changed attribute too (`record/3`)."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import let_disposals_take, let_dispose, protect

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    for column in ("workstation", "role", "reason"):
        op.add_column("record", sa.Column(column, sa.Text))
    op.add_column("record", sa.Column("reasoned", sa.SmallInteger))
    op.add_column("record", sa.Column("at_us", sa.BigInteger))
    op.add_column("record", sa.Column("hour", sa.Integer))
    op.add_column("record", sa.Column("series", sa.Text))
    op.add_column("record", sa.Column("sequence", sa.BigInteger))
    op.drop_index("record_source", "record")
    op.create_index("record_facets", "record", ["source", "action", "outcome", "object_type", "pos"])
    op.create_index("record_recorded", "record", ["recorded_us", "pos"])
    op.create_index("record_received", "record", ["received_us", "pos"])
    op.create_index("record_thing", "record", ["hour", "source", "object_id", "at_us", "pos"])
    numbered = sa.text("sequence IS NOT NULL")
    op.create_index(
        "record_sequence",
        "record",
        ["source", "series", "sequence"],
        sqlite_where=numbered,
        postgresql_where=numbered,
    )
    op.add_column("record_link", sa.Column("at_us", sa.BigInteger))
    op.create_index("record_link_at", "record_link", ["kind", "id", "at_us", "pos"])
    op.create_table(
        "record_change",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.SmallInteger, nullable=False),
        sa.Column("hour", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.Column("attribute", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pos", "ordinal"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "record_change_of", "record_change", ["hour", "source", "object_id", "attribute", "at_us", "pos", "ordinal"]
    )
    protect(op.get_bind(), "record_change")
    let_disposals_take(op.get_bind(), "record_change")
    let_dispose(op.get_bind())
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("record_workstation", "record", ["workstation", "pos"])
