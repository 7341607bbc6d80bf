"""Publishes checkpoints, in an order that can't sign two views of one log.

Compute the root; prove that it continues what this signer signed last (a file outside the database); commit the intent
by compare-and-swap; only then sign; then publish. A crash between any two steps is finished at the next call, with the
very size and root of the intent. It refuses a smaller size, and the same size with another root.
"""

from pathlib import Path

import msgspec

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import draft
from ledger.core.errors import CheckpointForked, NotFound, ProofInvalid, RolledBack
from ledger.core.hashing import b64, unb64
from ledger.core.merkle import verify_consistency
from ledger.core.note import sign_note
from ledger.store import checkpoints
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.files import exclusively, write_durably
from ledger.trust.keys import FileKeys
from ledger.trust.kinds import LogBinding


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """The last size and root (base64) that a signer signed, or was about to."""

    size: int
    root: str


class Publisher:
    """Signs for every log of one ledger.

    Of all threads and processes that share the ledger's folder one publishes a log at a time; machines that share a
    database do it under the leader lock.
    """

    def __init__(self, store: Store, keys: FileKeys, state: Path) -> None:
        self._store = store
        self._keys = keys
        self._state = state

    def publish(self, log: LogId) -> StoredCheckpoint:
        """Returns a checkpoint of all that the log holds now, signing a new one if the latest is older.

        Raises RolledBack when the log is smaller than what was signed before, CheckpointForked when it differs.
        """
        with exclusively(self._file(log).with_suffix(".lock")):
            self._finish(log)
            with self._store.reader(log.number) as reader:
                head = reader.head()
                root = head.root()
                self._continues(log, reader, head.size, root)
                last = _latest(reader)
                if last is not None and last.size == head.size:
                    return last
            with self._store.writing() as connection:
                if not checkpoints.record_intent(connection, log.number, head.size, root):
                    return checkpoints.latest(connection, log.number)
            return self._sign(log, head.size, root)

    def publish_all(self) -> list[StoredCheckpoint]:
        """Publishes every log that grew, and enters each new record-log checkpoint in the system log."""
        published = []
        logs = self._store.logs()
        for log in logs:
            if log.number != SYSTEM_LOG and self._grew(log):
                stored = self.publish(log)
                published.append(stored)
                self.bind(log, logs[SYSTEM_LOG], stored)
        if self._grew(logs[SYSTEM_LOG]):
            published.append(self.publish(logs[SYSTEM_LOG]))
        return published

    def bind_system(self) -> None:
        """Enters the system log's latest checkpoint in every record log (on a schedule)."""
        logs = self._store.logs()
        stored = self.publish(logs[SYSTEM_LOG])
        for log in logs[SYSTEM_LOG + 1 :]:
            self.bind(logs[SYSTEM_LOG], log, stored)

    def bind(self, bound: LogId, into: LogId, stored: StoredCheckpoint) -> None:
        """Enters one log's checkpoint in another log."""
        text = stored.note.decode()
        checkpoint = Checkpoint.parse(text.rpartition("\n\n")[0] + "\n")
        self._store.append_one(
            into.number,
            draft(LogBinding(origin=bound.origin, size=checkpoint.size, root=b64(checkpoint.root), checkpoint=text)),
        )

    def _grew(self, log: LogId) -> bool:
        """Whether the log holds entries that no checkpoint covers; raises as `publish` does if it is not the one that
        was signed.
        """
        with self._store.reader(log.number) as reader:
            head = reader.head()
            self._continues(log, reader, head.size, head.root())
            last = _latest(reader)
            return head.size > (0 if last is None else last.size)

    def _finish(self, log: LogId) -> None:
        """Signs an intent that a crash left without its checkpoint."""
        with self._store.reading() as connection:
            unfinished = checkpoints.unfinished(connection, log.number)
        if unfinished is not None:
            self._sign(log, *unfinished)

    def _continues(self, log: LogId, reader: LogReader, size: int, root: bytes) -> None:
        signed = self._signed(log)
        if signed is None:
            return
        old = unb64(signed.root, 32)
        if size < signed.size:
            raise RolledBack(
                f"log {log.origin} holds {size} entries, but {signed.size} were signed for before",
                advice="The database is older than the signer's state: restore the newest copy. Nothing was signed.",
            )
        if size == signed.size:
            if root != old:
                raise CheckpointForked(f"log {log.origin}: another root was signed at size {size} before")
            return
        try:
            verify_consistency(signed.size, size, old, root, reader.consistency(signed.size, size))
        except ProofInvalid as error:
            raise CheckpointForked(
                f"log {log.origin} does not continue what was signed at size {signed.size}"
            ) from error

    def _sign(self, log: LogId, size: int, root: bytes) -> StoredCheckpoint:
        with self._store.reader(log.number) as reader:
            self._continues(log, reader, size, root)
        write_durably(self._file(log), msgspec.json.encode(Signed(size=size, root=b64(root))))
        text = Checkpoint(origin=log.origin, size=size, root=root).text()
        note = sign_note(text, [self._keys.log_signer(log.name, log.origin)])
        with self._store.writing() as connection:
            checkpoints.publish(connection, log.number, size, note)
        return StoredCheckpoint(size=size, note=note)

    def _signed(self, log: LogId) -> Signed | None:
        try:
            return msgspec.json.decode(self._file(log).read_bytes(), type=Signed)
        except FileNotFoundError:
            return None

    def _file(self, log: LogId) -> Path:
        return self._state / f"{log.name}.signed"


def _latest(reader: LogReader) -> StoredCheckpoint | None:
    try:
        return checkpoints.latest(reader.connection, reader.log)
    except NotFound:
        return None
