"""Tables of signing."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

key_binding = validities(
    "key_binding",
    Column("account", Text, nullable=False),
    Column("event", Text, nullable=False),
    Index("key_binding_account", "log", "account"),
)
"""Signing keys by id, and the last that happened to each; a revoked key has no open row."""

signature = declare(
    "signature",
    TableClass.PROJECTION,
    position(),
    Column("account", Text, nullable=False),
    Column("binding", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("continuity", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Index("signature_account", "account", "pos"),
    Index("signature_session", "session", "pos"),
    Index("signature_nonce", "nonce"),
    Index("signature_root", "root", "account"),
    Index("signature_binding", "binding", "pos"),
)
"""`binding`, `session` and `network` are empty where there was none; `root` is that of what is signed,
`counter` the passkey's, else 0."""

signed_entry = declare(
    "signed_entry",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("target", BigInteger, nullable=False),
    PrimaryKeyConstraint("pos", "origin", "target"),
    Index("signed_entry_target", "origin", "target"),
    clustered=True,
)
"""Each entry (log `origin`, index `target`) that a signature lists, by the signature's place."""

SIGNATURE: Final = "signature"
REQUEST: Final = "request"
STRETCH: Final = 4096
"""A row of `set_run` ends where a stretch of so many indices does."""

set_run = declare(
    "set_run",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("sort", Text, nullable=False),
    PrimaryKeyConstraint("pos", "low"),
    Index("set_run_origin", "origin", "sort", "low"),
    clustered=True,
)
"""The entries (log `origin`, from `low` to `high`) of each set that is too large to be listed; `sort`: whether a
signature stands at `pos`, or a request."""

signing_list = validities("signing_list", Column("meanings", BigInteger, nullable=False))
"""The lists of meanings and reasons, by action."""

prepared = declare(
    "prepared_signing",
    TableClass.OPERATIONAL,
    Column("id", Text, primary_key=True),
    Column("sort", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Index("prepared_signing_at", "at_us"),
    delete=True,
    why="it remembers, for ten minutes (an hour, for what is signed elsewhere), what was put before somebody to sign: "
    "what they sign is given back with its digest, and each member of it is compared with the log again under the head "
    "lock; a forged row offers "
    "nothing that could not have been prepared, and a nonce that was used is refused by the signature that used it",
)
"""What was prepared and not signed yet: statements, requests and attestations of keys, challenges of registrations."""
