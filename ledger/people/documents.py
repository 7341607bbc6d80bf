"""Documents of the site with their copies in the vault: the non-repudiation letter (21 CFR 11.100(c)), for one."""

import secrets
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import ORIGINAL, SALT_SIZE, VaultItem, draft
from ledger.core.errors import IntegrityError, NotFound, SchemaViolation
from ledger.core.hashing import b64, original_commitment
from ledger.core.record import OriginalRef
from ledger.core.vault import MAX_ORIGINAL
from ledger.people import tables
from ledger.people.administration import require_admin
from ledger.people.credentials import current, read_entry
from ledger.people.person_kinds import DocumentEntry
from ledger.people.qualifications import day_of
from ledger.store.append import Batch
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import VaultReader
from ledger.store.store import Store

LETTER: Final = "non-repudiation-letter"
"""The document that says to the authority that signatures here are meant to bind (21 CFR 11.100(c))."""
ACCOUNTABILITY: Final = "accountability-statement"
"""The site's own text of the statement that signers sign (11.10(j)), as plain text."""


class KnownDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it is now; `dated` is the day that it bears."""

    document: str
    title: str
    dated: str
    media_type: str
    size: int
    index: int


class Documents:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(
        self, document: str, title: str, dated: str, data: bytes, media_type: str, reason: str, authority: Authority
    ) -> int:
        """Keeps a copy of a document, or of its next version; earlier ones stay. Returns the entry's index."""
        if not data or len(data) > MAX_ORIGINAL:
            raise SchemaViolation(f"a copy of {len(data)} bytes is not kept", advice=f"At most {MAX_ORIGINAL} bytes.")
        if day_of("dated", dated).isoformat() > utc_text(self._store.clock.now_us() + 86_400_000_000)[:10]:
            raise SchemaViolation(f"{dated} is still to come")
        if not title.strip() or not reason.strip():
            raise SchemaViolation("title and reason have to be said in words")
        salt = secrets.token_bytes(SALT_SIZE)
        kept = OriginalRef(
            commitment=b64(original_commitment(salt, data)),
            media_type=media_type,
            size=len(data),
            parser="none",
            parser_version="1",
        )
        entry = DocumentEntry(
            document=document, title=title, dated=dated, original=kept, reason=reason, authority=authority
        )
        made = draft(entry, (VaultItem(sort=ORIGINAL, ordinal=0, salt=salt, value=data),))
        batch = Batch([made], before=lambda transaction: require_admin(self._store, transaction, authority))
        return self._store.append(SYSTEM_LOG, batch)[0].index

    def list(self) -> "tuple[KnownDocument, ...]":
        """The site's documents, by id."""
        row = tables.site_document.c
        with self._store.reading() as connection:
            indices = connection.scalars(
                select(row.from_index).where(row.log == SYSTEM_LOG, row.to_index.is_(None)).order_by(row.key)
            ).all()
            return tuple(self._known(connection, index) for index in indices)

    def get(self, document: str) -> tuple[KnownDocument, bytes]:
        """A document with its copy, checked against the entry; raises NotFound, IntegrityError."""
        with self._store.reading() as connection:
            index = current(connection, tables.site_document, document)
            if index is None:
                raise NotFound(f"the ledger keeps no document {document!r}")
            entry, _ = read_entry(self._store, connection, index, DocumentEntry)
            kept = VaultReader(connection).original(SYSTEM_LOG, index)
        if entry.document != document:
            raise IntegrityError(f"the table of documents contradicts entry {index} of the system log")
        if kept is None or b64(original_commitment(kept.salt, kept.value)) != entry.original.commitment:
            raise IntegrityError(f"the copy of document {document!r} is not the one that its entry commits to")
        return _shown(entry, index), kept.value

    def _known(self, connection: Connection, index: int) -> KnownDocument:
        entry, _ = read_entry(self._store, connection, index, DocumentEntry)
        return _shown(entry, index)


def _shown(entry: DocumentEntry, index: int) -> KnownDocument:
    return KnownDocument(
        document=entry.document,
        title=entry.title,
        dated=entry.dated,
        media_type=entry.original.media_type,
        size=entry.original.size,
        index=index,
    )
