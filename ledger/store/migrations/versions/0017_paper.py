"""Handwritten signatures on printouts, by the electronic version that each is of."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations.steps import create_validities

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    create_validities(
        "paper_signature",
        "paper-signature",
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
    )
    op.create_index("paper_signature_address", "paper_signature", ["address"])
