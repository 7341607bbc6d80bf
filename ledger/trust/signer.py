"""The signer of checkpoints: the only thing that holds the keys of logs, in an order that can't sign two views of one.

Compute the root; prove that it continues what this signer signed last (a file outside the database); commit the intent
by compare-and-swap; only then sign; obtain the witnesses' word; then publish. A crash between any two steps is finished
at the next call, with the very size and root of the intent. It refuses a smaller size, the same size with another root,
and a log that a witness has seen more of.
"""

from typing import Protocol

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import IntegrityError, NotFound, RolledBack
from ledger.core.note import sign_note, with_lines
from ledger.store import checkpoints
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.key_history import choose_signers, read_log_keys
from ledger.trust.keys import Keys
from ledger.trust.rollback import Rollback
from ledger.trust.signed import SignedState, continues
from ledger.trust.witnesses import Witnesses


class SignsCheckpoints(Protocol):
    """Whoever publishes a checkpoint of all that a log holds: this process, or the one that holds the keys."""

    def publish(self, log: LogId) -> StoredCheckpoint: ...


class Signer:
    """Signs for every log of one ledger.

    Of all threads and processes that share the ledger's folder one signs for a log at a time; machines that share a
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
            self._state.require_here()
            self._finish(log)
            with self._store.reader(log.number) as reader:
                head = reader.head()
                root = head.root()
                continues(self._state, log.name, log.origin, reader, head.size, root)
                last = latest(reader)
                if last is not None and last.size == head.size:
                    return last
                self._require_newest(reader, log)
            with self._store.writing() as connection:
                if not checkpoints.record_intent(connection, log.number, head.size, root):
                    return checkpoints.latest(connection, log.number)
            return self._sign(log, head.size, root)

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
            self._require_newest(reader, log)
            history = read_log_keys(reader.connection, self._store.kinds, log.number, size)
        signers = choose_signers(history, size, self._keys.log_signers(log.name, log.origin))
        self._state.remember(log.name, size, root)
        checkpoint = Checkpoint(origin=log.origin, size=size, root=root)
        note = sign_note(checkpoint.text(), signers)
        try:
            collected = self._witnesses.collect(log, note, checkpoint)
        except IntegrityError:
            # A copy of this ledger went on elsewhere: before the next signature the witnesses are asked what they saw.
            self._assessed.discard(log.number)
            raise
        with self._store.writing() as connection:
            checkpoints.publish(connection, log.number, size, note)
        self._witnesses.enter(log, note, checkpoint, collected.lines)
        return StoredCheckpoint(size=size, note=with_lines(note, collected.lines))


def latest(reader: LogReader) -> StoredCheckpoint | None:
    """The newest checkpoint of a log; None before the first."""
    try:
        return checkpoints.latest(reader.connection, reader.log)
    except NotFound:
        return None
