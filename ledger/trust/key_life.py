"""The life of a log's keys: promised, rotated, revoked, reported as compromised; each an entry of that very log.

An entry is refused here, under the head lock, by the very rules by which verification judges it (`core.log_keys`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import (
    AccessDenied,
    ConfigError,
    Conflict,
    IntegrityError,
    LedgerError,
    NotFound,
    SchemaViolation,
)
from ledger.core.key_events import (
    Compromise,
    KeyEvent,
    KeyEventSort,
    KeyPurpose,
    key_digest,
    key_statement,
)
from ledger.core.log_keys import LogKeyHistory, Rotation
from ledger.core.note import NoteSigner, Signer
from ledger.core.policy import NO_QUORUM
from ledger.core.witness_policy import Quorum
from ledger.store import checkpoints
from ledger.store.append import Batch, Transaction
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.store import Store
from ledger.trust.files import exclusively
from ledger.trust.key_history import announcements, read_log_keys, stored_body
from ledger.trust.keys import Keys
from ledger.trust.seal_keys import SealKeys
from ledger.trust.witness_reading import newest, read_policies

_CHANGED = "log-keys"
"""In a transaction's scratch, where the keys are changed by the same group commit."""


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """A rotation that was entered: `index` in its log, and the checkpoint that both keys signed."""

    index: int
    old: str
    new: str
    checkpoint: StoredCheckpoint


class Activated(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs beside the log's present one: entry `index` in its log, and the first checkpoint of both."""

    index: int
    key: str
    checkpoint: StoredCheckpoint


class KeyLife:
    """What is done to the keys of a ledger's logs. `permit` raises AccessDenied for who may not, under the head lock;
    `publish` publishes a checkpoint of a log.
    """

    def __init__(
        self,
        store: Store,
        keys: Keys,
        publish: Callable[[LogId], StoredCheckpoint],
        permit: Callable[[Transaction, Authority], None],
        owner: Callable[[Connection, str], str | None],
        state: Path,
    ) -> None:
        """`owner` says whose a person's key is; `state`: a folder for locks that this machine's processes share."""
        self._store = store
        self._keys = keys
        self._publish = publish
        self._permit = permit
        self._owner = owner
        self._state = state
        self.seals = SealKeys(store, keys, permit, state)
        """What is done to keys that sign other things than checkpoints."""

    def history(self, log: LogId) -> LogKeyHistory:
        """The keys of a log, as its entries have them now."""
        with self._store.reading() as connection:
            return read_log_keys(connection, self._store.kinds, log.number)

    def pre_rotate(self, log: LogId, next_digest: str, reason: str, authority: Authority) -> int:
        """Promises the next key of a log that was created without a promise; returns the entry's index.

        Raises Conflict where one is promised already: only the promised key can follow.
        """
        history = self.history(log)
        event = KeyEvent(
            event=KeyEventSort.PRE_ROTATED,
            purpose=KeyPurpose.LOG,
            key=history.present.vkey,
            reason=reason,
            next=next_digest,
            authority=authority,
        )
        return self._enter(log, history, event, self._present(log, history))

    def rotate(self, log: LogId, seed: bytes | None, then: str, reason: str, authority: Authority) -> Rotated:
        """Puts the promised key in the present one's place, promises the one `then`, and publishes a checkpoint that
        both keys sign.

        `seed` is the promised key's; None: the key provider made it (`Keys.prepare_next`). A crash in between leaves
        the log with either key in force, and both at hand. Raises Conflict for another key than the promised one.
        """
        history = self.history(log)
        new = self._prepared(log, history) if seed is None else NoteSigner(log.origin, seed)
        old = history.present.vkey
        event = KeyEvent(
            event=KeyEventSort.ROTATED,
            purpose=KeyPurpose.LOG,
            key=str(new.verifier),
            replaces=old,
            next=then,
            reason=reason,
            authority=authority,
        )
        if key_digest(event.key) != history.promise:
            raise Conflict(
                f"this is not the key that entry {history.promised} of log {log.name} promised",
                advice="Bring the folder that `trailseal key prepare-next`, or init, wrote for this log.",
            )
        present = self._present(log, history)
        with exclusively(self._state / f"{log.name}.keys.lock"):
            if seed is not None:
                self._keys.take_over(log.name, seed)
            try:
                index = self._enter(log, history, event, (*present, new))
            finally:
                self._settle(log)
        return Rotated(index=index, old=old, new=event.key, checkpoint=self._publish(log))

    def activate(self, log: LogId, reason: str, authority: Authority) -> Activated:
        """Has an ML-DSA-44 key sign beside the present key from here on: every later checkpoint has to bear both lines.

        The key is made before its entry; where a crash came between, the next call enters that key. Raises Conflict
        where the log has one.
        """
        with exclusively(self._state / f"{log.name}.keys.lock"):
            history = self.history(log)
            signer = self._keys.post_quantum_signer(log.name, log.origin)
            if signer is None:
                self._keys.create_post_quantum_key(log.name)
                signer = self._keys.post_quantum_signer(log.name, log.origin)
                assert signer is not None
            vkey = str(signer.verifier)
            if history.find(vkey) is not None:
                raise Conflict(f"log {log.name} signs with an ML-DSA-44 key already", advice="Revoke that one before.")
            event = KeyEvent(
                event=KeyEventSort.ACTIVATED, purpose=KeyPurpose.LOG, key=vkey, reason=reason, authority=authority
            )
            index = self._enter(log, history, event, self._present(log, history))
        return Activated(index=index, key=vkey, checkpoint=self._publish(log))

    def revoke(self, log: LogId, vkey: str, reason: str, authority: Authority) -> int:
        """Ends the time in which a replaced key's line may still stand on checkpoints; its private half is destroyed.

        Raises NotFound for a key that is none of the log's, Conflict for its present one.
        """
        history = self.history(log)
        found = history.find(vkey)
        if found is None:
            raise NotFound(f"log {log.name} never had the key {vkey}", advice="`trailseal key show` lists them.")
        if found.replaced is not None:
            with self._store.reading() as connection:
                if checkpoints.covering(connection, log.number, found.replaced) is None:
                    raise Conflict("no checkpoint of both keys holds the rotation yet", advice="Wait for the next one.")
                met = newest(connection, log.origin, Quorum.MET)
                asked = read_policies(connection, self._store.kinds).in_force.policy.quorum != NO_QUORUM
                if asked and (met is None or met[0] <= found.replaced):
                    raise Conflict(
                        "no quorum of witnesses has seen the rotation yet",
                        advice="Make the new key known to them (`trailseal witness add-key`), and wait for their word.",
                    )
        event = KeyEvent(
            event=KeyEventSort.REVOKED, purpose=KeyPurpose.LOG, key=vkey, reason=reason, authority=authority
        )
        with exclusively(self._state / f"{log.name}.keys.lock"):
            index = self._enter(log, history, event, self._present(log, history))
            self._settle(log)
        return index

    def report(
        self,
        log: LogId,
        purpose: KeyPurpose,
        key: str,
        doubtful_from: str,
        meaning: str,
        reason: str,
        authority: Authority,
    ) -> int:
        """Says that a key may be in other hands, since when, and what that means; it counts once a second person
        confirms it. Returns the entry's index.
        """
        now = self._store.clock.now_us()
        try:
            since = parse_utc(doubtful_from)
        except LedgerError:
            raise SchemaViolation(
                f"{doubtful_from!r} is no instant", advice="Write it as 2026-11-25T07:10:06.123456Z."
            ) from None
        if since > now:
            raise SchemaViolation("a key cannot be doubtful from a time that has not come")
        said = Compromise(reported_at=utc_text(now), doubtful_from=doubtful_from, meaning=meaning)
        event = KeyEvent(
            event=KeyEventSort.COMPROMISE_REPORTED,
            purpose=purpose,
            key=key,
            reason=reason,
            compromise=said,
            authority=authority,
        )
        return self._enter(log, self.history(log), event, ())

    def confirm(self, log: LogId, report: int, reason: str, authority: Authority) -> int:
        """A second person says so too: from here on it counts. Raises NotFound for an entry that reports nothing."""
        with self._store.reader(log.number) as reader:
            first = stored_body(reader, self._store.kinds, report)
        if not isinstance(first, KeyEvent) or first.event is not KeyEventSort.COMPROMISE_REPORTED:
            raise NotFound(f"entry {report} of log {log.name} reports no compromise")
        assert first.compromise is not None
        event = KeyEvent(
            event=KeyEventSort.COMPROMISE_CONFIRMED,
            purpose=first.purpose,
            key=first.key,
            reason=reason,
            compromise=msgspec.structs.replace(first.compromise, report=report),
            authority=authority,
        )
        return self._enter(log, self.history(log), event, ())

    def repudiate(self, system: LogId, key: str, reason: str, authority: Authority) -> int:
        """The owner of a person's key does not stand by what it signed. Raises AccessDenied for somebody else."""
        event = KeyEvent(
            event=KeyEventSort.REPUDIATED, purpose=KeyPurpose.PERSON, key=key, reason=reason, authority=authority
        )

        def own(transaction: Transaction, authority: Authority) -> None:
            if not authority.authenticated or self._owner(transaction.connection, key) != authority.actor:
                raise AccessDenied(f"{key} is not a key of {authority.actor!r}", advice="Repudiate your own keys.")

        return self._enter(system, self.history(system), event, (), own)

    def announcement(self, log: LogId) -> tuple[str, Rotation]:
        """The last rotation as a note that old and new key signed, for witnesses and for who pinned the old key.

        Raises NotFound where there was none.
        """
        with self._store.reading() as connection:
            history = read_log_keys(connection, self._store.kinds, log.number)
            if not history.rotations:
                raise NotFound(f"the key of log {log.name} was never rotated")
            return announcements(connection, self._store.kinds, history, log.number)[-1], history.rotations[-1]

    def _settle(self, log: LogId) -> None:
        """Has the key provider hold what the log's history says: the present key, and a replaced one until revoked."""
        history = self.history(log)
        kept = [one.vkey for one in history.keys if one.revoked is None and not one.beside]
        self._keys.settle(log.name, log.origin, history.present.vkey, kept)
        beside = self._keys.post_quantum_signer(log.name, log.origin)
        found = None if beside is None else history.find(str(beside.verifier))
        if found is not None and found.revoked is not None:
            self._keys.remove_post_quantum_key(log.name)

    def _prepared(self, log: LogId, history: LogKeyHistory) -> NoteSigner:
        for signer in self._keys.prepared(log.name, log.origin):
            if key_digest(str(signer.verifier)) == history.promise:
                return signer
        raise ConfigError(
            f"the key that entry {history.promised} of log {log.name} promised was not made by the key provider",
            advice="Give the folder in which it was made: --next DIR.",
        )

    def _present(self, log: LogId, history: LogKeyHistory) -> tuple[Signer, ...]:
        signers = self._keys.log_signers(log.name, log.origin)
        found = [one for one in signers if str(one.verifier) == history.present.vkey]
        if not found:
            raise ConfigError(
                f"the present key of log {log.name} is not at hand",
                advice="Put the log's own key back from its backup; without it nothing can be signed.",
            )
        return (found[0],)

    def _enter(
        self,
        log: LogId,
        history: LogKeyHistory,
        event: KeyEvent,
        signers: Sequence[Signer],
        permit: Callable[[Transaction, Authority], None] | None = None,
    ) -> int:
        if not event.reason.strip():
            raise SchemaViolation("the reason has to be said in words")
        if event.purpose is KeyPurpose.LOG:
            event = msgspec.structs.replace(event, previous=history.last)
        text = key_statement(log.origin, event)
        event = msgspec.structs.replace(event, lines=tuple(signer.sign(text).line for signer in signers))

        def check(transaction: Transaction) -> None:
            (permit or self._permit)(transaction, event.authority)
            if transaction.scratch.get(_CHANGED):
                raise Conflict("the log's keys were changed at the same moment", advice="Look at them, and try again.")
            transaction.scratch[_CHANGED] = True
            try:
                read_log_keys(transaction.connection, self._store.kinds, log.number).enter(
                    transaction.next_index, event
                )
            except IntegrityError as error:
                raise Conflict(
                    f"this key event {error.message}", advice="`trailseal key show` tells the log's keys."
                ) from None

        return self._store.append(log.number, Batch([draft(event)], before=check))[0].index
