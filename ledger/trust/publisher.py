"""Publishes checkpoints on a schedule: when a log calls for one, and into which other logs they are entered."""

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store
from ledger.trust.exposure import calls_for_checkpoint
from ledger.trust.kinds import LogBinding
from ledger.trust.signed import SignedState, continues
from ledger.trust.signer import SignsCheckpoints, latest
from ledger.trust.witnesses import Witnesses


class Publisher:
    """Has checkpoints of all logs of a ledger signed and published; no key is needed here."""

    def __init__(self, store: Store, signer: SignsCheckpoints, state: SignedState, witnesses: Witnesses) -> None:
        self._store = store
        self._signer = signer
        self._state = state
        self._witnesses = witnesses

    def publish(self, log: LogId) -> StoredCheckpoint:
        """Returns a checkpoint of all that the log holds now, a new one if the latest is older.

        Raises RolledBack when the log is smaller than what was signed or witnessed before, CheckpointForked when it
        differs.
        """
        return self._signer.publish(log)

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
            last = latest(reader)
            return calls_for_checkpoint(reader, 0 if last is None else last.size, head.size) > 0

    def _complete(self, log: LogId) -> None:
        """Asks again who has not cosigned the newest checkpoint of a log yet, where its quorum is missing."""
        with self._store.reader(log.number) as reader:
            last = latest(reader)
            if last is None or not self._witnesses.lacking(reader.connection, log, last.size):
                return
        text, _, _ = last.note.decode().rpartition("\n\n")
        checkpoint = Checkpoint.parse(text + "\n")
        lines = self._witnesses.collect(log, last.note, checkpoint).lines
        if lines:
            self._witnesses.enter(log, last.note, checkpoint, lines)
