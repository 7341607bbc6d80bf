"""Files of old audit trails that are handed over in parts, before an import reads them."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("touched_us", sa.BigInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("job", sa.BigInteger),
    )
    protect(op.get_bind(), "upload", update=True, delete=True)
    op.create_table(
        "upload_part",
        sa.Column("upload", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("upload", "at"),
    )
    protect(op.get_bind(), "upload_part", delete=True)
