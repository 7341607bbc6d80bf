"""Publishes checkpoints, in an order that can't sign two views of one log.

Compute the root; prove that it continues what this signer signed last (a file outside the database); commit the intent
by compare-and-swap; only then sign; obtain the witnesses' word; then publish. A crash between any two steps is finished
at the next call, with the very size and root of the intent. It refuses a smaller size, the same size with another root,
and a log that a witness has seen more of.
"""

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import draft
from ledger.core.errors import NotFound, RolledBack
from ledger.core.hashing import b64
from ledger.core.note import sign_note, with_lines
from ledger.store import checkpoints
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.exposure import calls_for_checkpoint
from ledger.trust.key_history import choose_signers, read_log_keys
from ledger.trust.keys import Keys
from ledger.trust.kinds import LogBinding
from ledger.trust.rollback import Rollback
from ledger.trust.signed import SignedState, continues
from ledger.trust.witnesses import Witnesses


class Publisher:
    """Signs for every log of one ledger.

    Of all threads and processes that share the ledger's folder one publishes a log at a time; machines that share a
    database do it under the leader lock.
    """

    def __init__(self, store: Store, keys: Keys, state: SignedState, witnesses: Witnesses, rollback: Rollback) -> None:
        self._store = store
        self._keys = keys
        self._state = state
        self._witnesses = witnesses
        self._rollback = rollback
        self._assessed: set[int] = set()

    def publish(self, log: LogId) -> StoredCheckpoint:
        """Returns a checkpoint of all that the log holds now, signing a new one if the latest is older.

        Raises RolledBack when the log is smaller than what was signed or witnessed before, CheckpointForked when it
        differs.
        """
        with self._state.held(log.name):
            self._finish(log)
            with self._store.reader(log.number) as reader:
                head = reader.head()
                root = head.root()
                continues(self._state, log.name, log.origin, reader, head.size, root)
                last = _latest(reader)
                if last is not None and last.size == head.size:
                    return last
                self._require_newest(reader, log)
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
        for log in logs:
            self._complete(log)
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
        """Whether the log holds entries that no checkpoint covers and that call for one; raises as `publish` does if
        it is not the one that was signed.
        """
        with self._store.reader(log.number) as reader:
            head = reader.head()
            continues(self._state, log.name, log.origin, reader, head.size, head.root())
            last = _latest(reader)
            return calls_for_checkpoint(reader, 0 if last is None else last.size, head.size) > 0

    def _complete(self, log: LogId) -> None:
        """Asks again who has not cosigned the newest checkpoint of a log yet, where its quorum is missing."""
        with self._store.reader(log.number) as reader:
            last = _latest(reader)
            if last is None or not self._witnesses.lacking(reader.connection, log, last.size):
                return
        text, _, _ = last.note.decode().rpartition("\n\n")
        checkpoint = Checkpoint.parse(text + "\n")
        lines = self._witnesses.collect(log, last.note, checkpoint).lines
        if lines:
            self._witnesses.enter(log, last.note, checkpoint, lines)

    def _finish(self, log: LogId) -> None:
        """Signs an intent that a crash left without its checkpoint."""
        with self._store.reading() as connection:
            unfinished = checkpoints.unfinished(connection, log.number)
        if unfinished is not None:
            self._sign(log, *unfinished)

    def _require_newest(self, reader: LogReader, log: LogId) -> None:
        """Before this process's first signature for a log: nobody outside has seen more of it; raises RolledBack."""
        if log.number in self._assessed:
            return
        standing = self._rollback.judge(reader.connection, log)
        if standing.fault:
            raise RolledBack(
                f"nothing is signed for log {log.origin}: {standing.fault}",
                advice="Restore the newest copy of the database; `trailseal verify --full` says what holds.",
            )
        self._assessed.add(log.number)

    def _sign(self, log: LogId, size: int, root: bytes) -> StoredCheckpoint:
        with self._store.reader(log.number) as reader:
            continues(self._state, log.name, log.origin, reader, size, root)
            history = read_log_keys(reader.connection, self._store.kinds, log.number, size)
        signers = choose_signers(history, size, self._keys.log_signers(log.name, log.origin))
        self._state.remember(log.name, size, root)
        checkpoint = Checkpoint(origin=log.origin, size=size, root=root)
        note = sign_note(checkpoint.text(), signers)
        collected = self._witnesses.collect(log, note, checkpoint)
        with self._store.writing() as connection:
            checkpoints.publish(connection, log.number, size, note)
        self._witnesses.enter(log, note, checkpoint, collected.lines)
        return StoredCheckpoint(size=size, note=with_lines(note, collected.lines))


def _latest(reader: LogReader) -> StoredCheckpoint | None:
    try:
        return checkpoints.latest(reader.connection, reader.log)
    except NotFound:
        return None
