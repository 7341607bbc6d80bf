"""Signing: keys and their bindings, signatures, the entries that each lists, lists of meanings, what was prepared."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import announce, create_validities

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    create_validities(
        "key_binding",
        "key-binding",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
    )
    op.create_index("key_binding_account", "key_binding", ["log", "account"])
    position = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "signature",
        sa.Column("pos", position, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("account", "binding", "mode", "continuity", "session", "network", "nonce", "meaning", "root")
        ),
        sa.Column("counter", sa.BigInteger, nullable=False),
    )
    op.create_index("signature_account", "signature", ["account", "pos"])
    op.create_index("signature_session", "signature", ["session", "pos"])
    op.create_index("signature_nonce", "signature", ["nonce"])
    op.create_index("signature_root", "signature", ["root", "account"])
    op.create_index("signature_binding", "signature", ["binding", "pos"])
    protect(op.get_bind(), "signature")
    op.create_table(
        "signed_entry",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("target", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pos", "origin", "target"),
        sqlite_with_rowid=False,
    )
    op.create_index("signed_entry_target", "signed_entry", ["origin", "target"])
    protect(op.get_bind(), "signed_entry")
    announce("signature")
    create_validities("signing_list", "signing-list", sa.Column("meanings", sa.BigInteger, nullable=False))
    op.create_table(
        "prepared_signing",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_index("prepared_signing_at", "prepared_signing", ["at_us"])
    protect(op.get_bind(), "prepared_signing", delete=True)
