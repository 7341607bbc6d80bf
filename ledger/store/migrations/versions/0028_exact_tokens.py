"""SQLite finds objects and actors by exact tokens in the full-text index (`record/2`), in place of two trees."""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("record_object", "record")
        op.drop_index("record_actor", "record")
