"""Signatures made elsewhere: the trust anchors that their certificates chain to."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    create_validities("trust_anchor", "trust-anchor", sa.Column("event", sa.Text, nullable=False))
