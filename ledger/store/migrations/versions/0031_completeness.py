"""Statements of completeness, and reconciliations with sources."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_facts

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    create_facts(
        "coverage_statement",
        "coverage-statement",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("from_us", sa.BigInteger, nullable=False),
        sa.Column("to_us", sa.BigInteger, nullable=False),
    )
    create_facts(
        "reconciliation",
        "reconciliation",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("from_us", sa.BigInteger, nullable=False),
        sa.Column("to_us", sa.BigInteger, nullable=False),
        sa.Column("holds", sa.SmallInteger, nullable=False),
    )
