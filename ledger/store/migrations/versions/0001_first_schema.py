"""The first schema."""

from alembic import op

from ledger.store.append_only import index_full_text, protect
from ledger.store.engine import is_sqlite
from ledger.store.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection, checkfirst=False)
    for table in metadata.sorted_tables:
        protect(connection, table.name, update=table.info["update"], delete=table.info["delete"])
    if is_sqlite(connection):
        index_full_text(connection, "record")
