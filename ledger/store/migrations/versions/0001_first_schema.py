"""The first schema.

Each table is followed by what the service may do to its rows, besides INSERT and SELECT; all else is refused.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ledger.store.append_only import index_full_text, protect
from ledger.store.engine import is_sqlite

revision = "0001"
down_revision = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TOKENS = sa.Text().with_variant(postgresql.ARRAY(sa.Text()), "postgresql")


def upgrade() -> None:
    _create_checkpoint()
    _create_checkpoint_intent()
    _create_leaf()
    _create_tile()
    _create_job()
    _create_projection_version()
    _create_request_receipt()
    _create_session_touch()
    _create_access_grant()
    _create_account()
    _create_browser_session()
    _create_collection_run()
    _create_finding()
    _create_head()
    _create_incident()
    _create_key_event()
    _create_ledger_log()
    _create_log_binding()
    _create_package_issued()
    _create_quarantine()
    _create_record()
    _create_record_link()
    _create_security_count()
    _create_source()
    _create_source_key()
    _create_verification()
    _create_body()
    _create_original()
    _create_sealed_value()
    _create_secret()


def _create_checkpoint() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("log", "size"),
    )
    protect(op.get_bind(), "checkpoint")


def _create_checkpoint_intent() -> None:
    op.create_table(
        "checkpoint_intent",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("log", "size"),
    )
    protect(op.get_bind(), "checkpoint_intent")


def _create_leaf() -> None:
    op.create_table(
        "leaf",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    protect(op.get_bind(), "leaf")


def _create_tile() -> None:
    op.create_table(
        "tile",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "n"),
    )
    protect(op.get_bind(), "tile")


def _create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", POSITION, sa.Identity(), nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("scheduled_us", sa.BigInteger, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until_us", sa.BigInteger, nullable=False),
        sa.Column("cancel", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sort", "scheduled_us"),
    )
    op.create_index("job_state", "job", ["state", "scheduled_us"])
    protect(op.get_bind(), "job", update=True)


def _create_projection_version() -> None:
    op.create_table(
        "projection_version",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    protect(op.get_bind(), "projection_version", update=True)


def _create_request_receipt() -> None:
    op.create_table(
        "request_receipt",
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("receipt", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("caller", "route", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("request_receipt_at", "request_receipt", ["at_us"])
    protect(op.get_bind(), "request_receipt", delete=True)


def _create_session_touch() -> None:
    op.create_table(
        "session_touch",
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("session"),
    )
    protect(op.get_bind(), "session_touch", update=True, delete=True)


def _create_access_grant() -> None:
    op.create_table(
        "access_grant",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("sources", sa.Text, nullable=False),
        sa.Column("expires_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    op.create_index("access_grant_account", "access_grant", ["log", "account"])
    protect(op.get_bind(), "access_grant", update=True)


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    protect(op.get_bind(), "account", update=True)


def _create_browser_session() -> None:
    op.create_table(
        "browser_session",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("expires_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    protect(op.get_bind(), "browser_session", update=True)


def _create_collection_run() -> None:
    op.create_table(
        "collection_run",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("ended_us", sa.BigInteger, nullable=False),
        sa.Column("cursor_to", sa.Text),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("duplicates", sa.Integer, nullable=False),
        sa.Column("quarantined", sa.Integer, nullable=False),
        sa.Column("unreachable", sa.Integer, nullable=False),
        sa.Column("gaps", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    op.create_index("collection_run_source", "collection_run", ["source", "pos"])
    protect(op.get_bind(), "collection_run")


def _create_finding() -> None:
    op.create_table(
        "finding",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    protect(op.get_bind(), "finding")


def _create_head() -> None:
    op.create_table(
        "head",
        sa.Column("log", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("logged_us", sa.BigInteger, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("log"),
    )
    protect(op.get_bind(), "head", update=True)


def _create_incident() -> None:
    op.create_table(
        "incident",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    protect(op.get_bind(), "incident")


def _create_key_event() -> None:
    op.create_table(
        "key_event",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    protect(op.get_bind(), "key_event")


def _create_ledger_log() -> None:
    op.create_table(
        "ledger_log",
        sa.Column("number", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("origin"),
    )
    protect(op.get_bind(), "ledger_log")


def _create_log_binding() -> None:
    op.create_table(
        "log_binding",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    op.create_index("log_binding_origin", "log_binding", ["origin", "pos"])
    protect(op.get_bind(), "log_binding")


def _create_package_issued() -> None:
    op.create_table(
        "package_issued",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("package", sa.Text, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
        sa.UniqueConstraint("package"),
    )
    protect(op.get_bind(), "package_issued")


def _create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    op.create_index("quarantine_source", "quarantine", ["source", "pos"])
    protect(op.get_bind(), "quarantine")


def _create_record() -> None:
    op.create_table(
        "record",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("occurred_us", sa.BigInteger),
        sa.Column("recorded_us", sa.BigInteger),
        sa.Column("received_us", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("tokens", TOKENS, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    op.create_index("record_actor", "record", ["actor", "pos"])
    op.create_index("record_object", "record", ["object_type", "object_id", "pos"])
    op.create_index("record_occurred", "record", ["occurred_us", "pos"])
    op.create_index("record_source", "record", ["source", "pos"])
    protect(op.get_bind(), "record")
    if is_sqlite(op.get_bind()):
        index_full_text(op.get_bind(), "record")
    else:
        op.create_index("record_tokens", "record", ["tokens"], postgresql_using="gin")


def _create_record_link() -> None:
    op.create_table(
        "record_link",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "pos"),
        sqlite_with_rowid=False,
    )
    protect(op.get_bind(), "record_link")


def _create_security_count() -> None:
    op.create_table(
        "security_count",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pos", "sort", "account", "source"),
        sqlite_with_rowid=False,
    )
    protect(op.get_bind(), "security_count")


def _create_source() -> None:
    op.create_table(
        "source",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    protect(op.get_bind(), "source", update=True)


def _create_source_key() -> None:
    op.create_table(
        "source_key",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("log", "source", "record_id", "digest"),
        sqlite_with_rowid=False,
    )
    protect(op.get_bind(), "source_key")


def _create_verification() -> None:
    op.create_table(
        "verification",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("low", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary),
        sa.Column("holds", sa.SmallInteger, nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("ended_us", sa.BigInteger, nullable=False),
        sa.Column("levels", sa.Text, nullable=False),
        sa.Column("fault", sa.Text),
        sa.PrimaryKeyConstraint("pos"),
    )
    protect(op.get_bind(), "verification")


def _create_body() -> None:
    op.create_table(
        "body",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    protect(op.get_bind(), "body")


def _create_original() -> None:
    op.create_table(
        "original",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    protect(op.get_bind(), "original")


def _create_sealed_value() -> None:
    op.create_table(
        "sealed_value",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.SmallInteger, nullable=False),
        sa.Column("member", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pos", "ordinal"),
        sqlite_with_rowid=False,
    )
    protect(op.get_bind(), "sealed_value")


def _create_secret() -> None:
    op.create_table(
        "secret",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pos", "name"),
        sqlite_with_rowid=False,
    )
    protect(op.get_bind(), "secret", delete=True)
