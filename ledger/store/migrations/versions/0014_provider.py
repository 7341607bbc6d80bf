"""The site's identity provider, its keys, whose subjects are whose accounts, and what was begun there."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    _validities(
        "identity_provider", sa.Column("issuer", sa.Text, nullable=False), sa.Column("state", sa.Text, nullable=False)
    )
    _validities("key_set", sa.Column("issuer", sa.Text, nullable=False), sa.Column("kids", sa.Text, nullable=False))
    _validities(
        "provider_subject",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("credential", sa.Text, nullable=False),
    )
    op.create_table(
        "provider_attempt",
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    protect(op.get_bind(), "provider_attempt", delete=True)


def _validities(table: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        *columns,
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    protect(op.get_bind(), table, update=True)
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        f" SELECT '{table.replace('_', '-')}', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
