"""Runs of the rules, and what they find."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_facts, create_validities

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    create_facts(
        "rule_run",
        "rule-run",
        sa.Column("low", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    create_validities(
        "rule_finding",
        "rule-finding",
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("anchor", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("stands", sa.SmallInteger, nullable=False),
    )
