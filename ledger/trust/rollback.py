"""Whether a log is older, or another one, than what was signed, kept and witnessed: level 5, and before each signature.

Asked are the signer's own memory, the newest cosigned and the newest time-stamped checkpoint that are kept outside the
database, and the witnesses themselves, now. Witnesses that cannot be asked leave it open: it is never taken for sound
then.
"""

from collections.abc import Callable, Iterable

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.card import Card
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.note import Verifier
from ledger.core.outside import NOTHING, FromOutside
from ledger.core.policy import NO_QUORUM
from ledger.core.witness_policy import InForce
from ledger.store.reading import LogReader
from ledger.trust.kept import Kept
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.signed import SignedState, continues, require_continues
from ledger.trust.witnesses import Witnesses


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a witness has seen of a log, and that the log still holds it; `trouble`: why that could not be said."""

    witness: str
    size: int | None = None
    trouble: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a log's age: `fault` where it is older or another; `unknown` where it cannot be said; `open`:
    what is not vouched for where it holds.
    """

    fault: str = ""
    unknown: str = ""
    open: str = ""
    seen: tuple[Seen, ...] = ()


class Rollback:
    """Judges logs of one ledger. Safe to use from any number of threads."""

    def __init__(
        self,
        witnesses: Witnesses,
        state: SignedState,
        kept: Kept,
        keys: Callable[[LogId], Iterable[Verifier]],
    ) -> None:
        """`keys`: those that a log's checkpoints are signed by."""
        self._witnesses = witnesses
        self._state = state
        self._kept = kept
        self._keys = keys

    def judge(self, connection: Connection, log: LogId, outside: FromOutside = NOTHING) -> Standing:
        """Asks everybody; what is wrong is in the answer, nothing is raised.

        `outside`: the witnesses to ask, as whoever verifies knows them, in place of those that the ledger names; and
        cards, each of which the log has to continue. Where no witness is asked, it holds up to the largest card's size.
        """
        reader = LogReader(connection, log.number)
        policy = self._witnesses.policies().in_force
        if outside.policy is not None:
            policy = InForce(entry=policy.entry, policy=outside.policy)
        cards = outside.cards_of(log.origin)
        try:
            head = reader.head()
            root = reader.root(head.size)
            continues(self._state, log.name, log.origin, reader, head.size, root)
            for card in cards:
                _continues_card(reader, log, head.size, root, card)
            for kept in (self._kept.latest(log.name), KeptTokens(self._kept.folder.parent).newest(log.name)):
                if kept is not None:
                    self._holds(reader, log, head.size, root, kept, policy)
            seen = tuple(self._seen(reader, log, head.size, root, policy))
        except LedgerError as error:
            return Standing(fault=error.message)
        if cards and policy.policy.quorum == NO_QUORUM:
            return Standing(open=_since(cards[-1], head.size), seen=seen)
        return Standing(unknown=_unknown(policy, seen), seen=seen)

    def _seen(self, reader: LogReader, log: LogId, size: int, root: bytes, policy: InForce) -> Iterable[Seen]:
        for name, note, trouble in self._witnesses.shown(log, policy):
            if note is None:
                yield Seen(witness=name, trouble=trouble or "it shows no checkpoint of this log")
                continue
            key = policy.policy.witnesses[name].key
            checkpoint = self._holds(reader, log, size, root, note, policy, name)
            if checkpoint is None:
                yield Seen(witness=name, trouble=f"what it shows bears no valid line of {key.name}")
            else:
                yield Seen(witness=name, size=checkpoint.size)

    def _holds(
        self,
        reader: LogReader,
        log: LogId,
        size: int,
        root: bytes,
        note: bytes,
        policy: InForce,
        witness: str | None = None,
    ) -> Checkpoint | None:
        """The checkpoint, if the log continues it; None where it is not signed as it should be.

        Raises RolledBack, CheckpointForked.
        """
        named = policy.policy.witnesses
        keys = [named[witness].key] if witness is not None else policy.witnesses
        signers = {str(key): key for key in (*self._keys(log), *policy.policy.log_keys(log.origin))}
        try:
            signed = open_checkpoint(note, log.origin, signers.values(), witnesses=keys)
        except LedgerError as error:
            if witness is None:
                raise IntegrityError(f"the checkpoint that is kept outside the database: {error.message}") from error
            return None
        by = {(one.name, one.key_id) for one in signed.verified}
        if witness is not None and (named[witness].key.name, named[witness].key.key_id) not in by:
            return None
        found = signed.checkpoint
        require_continues(reader, log.origin, size, root, found.size, found.root)
        return found


def _continues_card(reader: LogReader, log: LogId, size: int, root: bytes, card: Card) -> None:
    try:
        require_continues(reader, log.origin, size, root, card.size, card.root)
    except LedgerError as error:
        raise IntegrityError(f"the checkpoint card of size {card.size}: {error.message}") from error


def _since(card: Card, size: int) -> str:
    since = f"it holds as of the card of size {card.size}: "
    if size == card.size:
        return f"{since}entries that came after it, and would be missing now, are not vouched for"
    return f"{since}no card or witness vouches for the {size - card.size} entries since then, or for any after them"


def _unknown(policy: InForce, seen: Iterable[Seen]) -> str:
    if policy.policy.quorum == NO_QUORUM:
        return "no witness is asked for: nobody outside could say that the log is older than it was"
    answered = {one.witness for one in seen if one.size is not None}
    if policy.policy.met_by(answered):
        return ""
    silent = "; ".join(f"{one.witness}: {one.trouble}" for one in seen if one.size is None)
    return f"too few witnesses can be asked now ({silent or 'none has an address'})"
