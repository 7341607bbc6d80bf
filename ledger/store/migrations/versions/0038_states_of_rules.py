"""States of rules, and trials of them."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_facts, create_validities

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    create_validities(
        "rule_state",
        "rule-state",
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    create_facts(
        "rule_challenge",
        "rule-challenge",
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("holds", sa.SmallInteger, nullable=False),
    )
