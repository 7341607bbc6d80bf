"""Reviews of audit trails by exception, and what is decided in them."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_facts, create_validities

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    create_validities(
        "disposition",
        "disposition",
        sa.Column("judgement", sa.Text, nullable=False),
        sa.Column("quality_case", sa.Text),
    )
    create_validities("contributing_list", "contributing-list", sa.Column("systems", sa.BigInteger, nullable=False))
    create_validities("review_plan", "review-plan", sa.Column("retired", sa.SmallInteger, nullable=False))
    create_validities(
        "review",
        "review",
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("opening", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.Text),
    )
    create_facts(
        "rule_miss",
        "rule-miss",
        sa.Column("review", sa.Text, nullable=False),
        sa.Column("rule", sa.Text),
        sa.Column("record", sa.BigInteger, nullable=False),
    )
    create_validities(
        "deferral",
        "deferral",
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("product", sa.Text),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    create_validities(
        "deviation",
        "deviation",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
    )
    create_facts(
        "review_answer",
        "review-answer",
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
