"""The site's identity provider, its keys, whose subjects are whose accounts, and what was begun there."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import create_validities

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    create_validities(
        "identity_provider",
        "identity-provider",
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    create_validities(
        "key_set", "key-set", sa.Column("issuer", sa.Text, nullable=False), sa.Column("kids", sa.Text, nullable=False)
    )
    create_validities(
        "provider_subject",
        "provider-subject",
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
