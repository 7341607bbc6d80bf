"""Definitions of roles."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    create_validities("role_definition", "role-definition", sa.Column("scopes", sa.Text, nullable=False))
