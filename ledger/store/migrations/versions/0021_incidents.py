"""Integrity incidents: how each case stands, and the epochs in which logs go on."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_facts, create_validities

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    create_validities(
        "incident_case",
        "incident-case",
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
    )
    create_facts(
        "log_epoch",
        "epoch",
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
