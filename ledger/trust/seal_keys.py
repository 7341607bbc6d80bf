"""Replaces the keys that sign other things than checkpoints: a log's report seal, receipts, and notices to webhooks.

The new key's making and the old one's end are one commit of the log that vouches for them; the new key's event bears
the lines of both. What the old key signed before goes on verifying by the event of its making. Nothing follows such a
key but by the log: no key needs to be promised.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import ConfigError, Conflict, NotFound, SchemaViolation
from ledger.core.key_events import KeyEvent, KeyEventSort, KeyPurpose, key_statement
from ledger.core.note import NoteSigner
from ledger.core.notice import notice_key_name
from ledger.core.statement import receipt_key_name, report_key_name
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.store import Store
from ledger.trust.files import exclusively
from ledger.trust.keys import NOTICE, Keys
from ledger.trust.tables import key_event


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """The key `new`, made by entry `index` of its log, in the place of `old`."""

    index: int
    old: str
    new: str


class _Kept(NamedTuple):
    """Under which name the provider keeps a key, and under which it signs."""

    name: str
    signs_as: str


class SealKeys:
    """`permit` raises AccessDenied for who may not, under the head lock. Safe to use from any number of processes."""

    def __init__(self, store: Store, keys: Keys, permit: Callable[[Transaction, Authority], None], state: Path) -> None:
        """`state`: a folder for locks that this machine's processes share."""
        self._store = store
        self._keys = keys
        self._permit = permit
        self._state = state

    def replace(self, log: LogId, purpose: KeyPurpose, reason: str, authority: Authority) -> Replaced:
        """Makes a new key of a purpose, enters it and the old one's end, and puts it in place.

        Cut off after its entry, the next call puts that key in place. Raises NotFound where there is none to replace.
        """
        if not reason.strip():
            raise SchemaViolation("the reason has to be said in words")
        kept = _kept(log, purpose)
        with exclusively(self._state / f"{log.name}.keys.lock"):
            with self._store.reading() as connection:
                present = _present(connection, log, purpose)
            if present is None:
                raise NotFound(f"log {log.name} has no key for this yet", advice="It comes with its first use.")
            index, vkey = present
            old, new = self._signer(kept, kept.name), self._next(kept)
            if str(old.verifier) == vkey:
                index = self._enter(log, purpose, reason, authority, old, new)
            elif str(new.verifier) != vkey:
                raise ConfigError(
                    f"the key {vkey}, which log {log.name} names, is not at hand", advice="Restore it from its backup."
                )
            self._keys.provider.rename(f"{kept.name}-next", kept.name)
        return Replaced(index=index, old=str(old.verifier), new=str(new.verifier))

    def _enter(
        self, log: LogId, purpose: KeyPurpose, reason: str, authority: Authority, old: NoteSigner, new: NoteSigner
    ) -> int:
        made = KeyEvent(
            event=KeyEventSort.CREATED,
            purpose=purpose,
            key=str(new.verifier),
            replaces=str(old.verifier),
            reason=reason,
            authority=authority,
        )
        text = key_statement(log.origin, made)
        made = msgspec.structs.replace(made, lines=tuple(one.sign(text).line for one in (old, new)))
        ended = KeyEvent(
            event=KeyEventSort.RETIRED,
            purpose=purpose,
            key=str(old.verifier),
            reason=reason,
            authority=authority,
        )

        def check(transaction: Transaction) -> None:
            self._permit(transaction, authority)
            now = _present(transaction.connection, log, purpose)
            if now is None or now[1] != str(old.verifier):
                raise Conflict("the key was replaced at the same moment", advice="Look at it, and try again.")

        return self._store.append(log.number, Batch([draft(made), draft(ended)], before=check))[0].index

    def _next(self, kept: _Kept) -> NoteSigner:
        following = f"{kept.name}-next"
        if not self._keys.provider.has(following):
            self._keys.provider.create(following)
        return self._signer(kept, following)

    def _signer(self, kept: _Kept, name: str) -> NoteSigner:
        return NoteSigner(kept.signs_as, self._keys.provider.key(name))


def _kept(log: LogId, purpose: KeyPurpose) -> _Kept:
    if purpose is KeyPurpose.REPORT:
        return _Kept(f"{log.name}.report", report_key_name(log.origin))
    if purpose is KeyPurpose.RECEIPT:
        return _Kept(f"{log.name}.receipt", receipt_key_name(log.origin))
    if purpose is KeyPurpose.NOTICE and log.number == SYSTEM_LOG:
        return _Kept(NOTICE, notice_key_name(log.origin))
    raise SchemaViolation(
        f"the {purpose.value} key of log {log.name} is not replaced so",
        advice="The log's own key is rotated (`key rotate`); notices' is the system log's.",
    )


def _present(connection: Connection, log: LogId, purpose: KeyPurpose) -> tuple[int, str] | None:
    """The entry that made the key of a purpose in use, and that key."""
    row = key_event.c
    of_log = (row.pos >= pos_of(log.number, 0), row.pos < pos_of(log.number + 1, 0), row.purpose == purpose.value)
    made = row.event == KeyEventSort.CREATED.value
    found = connection.execute(select(row.pos, row.key).where(*of_log, made).order_by(row.pos.desc()).limit(1)).first()
    return None if found is None else (index_of(found.pos), found.key)
