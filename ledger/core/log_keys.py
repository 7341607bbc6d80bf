"""The keys of one log, from its entries alone: which may sign a checkpoint of which size, and which have to.

A key takes over only if its digest was promised before, in an entry that the key before it signed for. The old key's
line stands beside the new one's on the first checkpoint that holds the rotation, and may until the old key is revoked;
so a verifier that pins an old key is led to the present one by checkpoints that it can check.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ledger.core.cosignature import MldsaKey, parse_verifier
from ledger.core.errors import IntegrityError, LedgerError, SignatureInvalid
from ledger.core.key_events import KeyEvent, KeyEvent1, KeyEventSort, KeyPurpose, key_digest, key_statement
from ledger.core.note import NoteSignature, Verifier, VerifierKey, open_note, parse_note
from ledger.core.statement import Purpose, open_statement

IN_DOUBT: Final = (KeyEventSort.COMPROMISE_REPORTED, KeyEventSort.COMPROMISE_CONFIRMED)
"""Events by which any key of a log is in doubt."""


class LogKey(msgspec.Struct, kw_only=True):
    """A key of a log. `since`: the entry by which it began to sign; `replaced`, `revoked`: those by which it ended.

    `beside`: it signs beside the log's present key, by another algorithm.
    """

    verifier: Verifier
    since: int
    beside: bool = False
    replaced: int | None = None
    revoked: int | None = None

    @property
    def vkey(self) -> str:
        """The verifier key's text."""
        return str(self.verifier)

    @property
    def state(self) -> str:
        """`present`, `replaced` (its line may still stand beside the new one's) or `revoked`."""
        return "revoked" if self.revoked is not None else "present" if self.replaced is None else "replaced"

    def may_sign(self, size: int) -> bool:
        """Whether its line may stand on a checkpoint of so many entries."""
        return self.since < size and (self.revoked is None or self.revoked >= size)

    def has_to_sign(self, size: int) -> bool:
        """Whether no checkpoint of so many entries holds without its line."""
        return self.may_sign(size) and (self.replaced is None or self.replaced >= size)


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """Entry `index` put `new` in the place of `old`; entry `promised` had committed to it."""

    index: int
    old: Verifier
    new: Verifier
    promised: int


class LogKeyHistory:
    """Fed with a log's key events in order; raises IntegrityError, naming the rule, for one that could not come then.

    What does not hold is not taken in.
    """

    def __init__(self, origin: str, key: str, next_digest: str | None = None) -> None:
        """What the log's entry 0 says: its key, and the digest of the next one, where it promised one."""
        self.origin = origin
        self.last = 0
        self.promise = next_digest
        self.promised = 0
        self.rotations: tuple[Rotation, ...] = ()
        self._keys = [LogKey(verifier=_own_key(origin, key), since=-1)]
        self._reported: dict[int, KeyEvent] = {}
        self._others: dict[KeyPurpose, str] = {}
        """The keys of other purposes, as far as their events are among those entered."""
        self.compromised: tuple[tuple[int, KeyEvent], ...] = ()

    @property
    def keys(self) -> tuple[LogKey, ...]:
        """Every key that the log has or had, in the order of their beginning."""
        return tuple(self._keys)

    @property
    def present(self) -> LogKey:
        """The key that signs now."""
        return next(one for one in reversed(self._keys) if one.replaced is None and not one.beside)

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """All keys: a note is opened with these, and `check` says whether each might sign it."""
        return tuple(one.verifier for one in self._keys)

    def at(self, size: int) -> tuple[LogKey, ...]:
        """The keys that may sign a checkpoint of so many entries; the one that has to comes first."""
        found = [one for one in self._keys if one.may_sign(size)]
        return tuple(sorted(found, key=lambda one: (not one.has_to_sign(size), one.beside)))

    def find(self, vkey: str) -> LogKey | None:
        """The key of that text."""
        return next((one for one in self._keys if one.vkey == vkey), None)

    def check(self, size: int, before: int, signed: Iterable[NoteSignature]) -> None:
        """Returns only if the keys that signed a checkpoint of `size` are those that had to, and none that might not.

        `before`: the size of the log's checkpoint before it. Raises SignatureInvalid.
        """
        lines = {(one.name, one.key_id) for one in signed}
        for key in self._keys:
            name = f"{key.verifier.name}+{key.verifier.key_id.hex()}"
            if (key.verifier.name, key.verifier.key_id) in lines:
                if key.revoked is not None and key.revoked < size:
                    raise SignatureInvalid(f"key {name} signed at size {size}, and entry {key.revoked} had revoked it")
                if key.since >= size:
                    raise SignatureInvalid(f"key {name} signed at size {size}, before entry {key.since} began with it")
            elif key.has_to_sign(size):
                raise SignatureInvalid(f"key {name} was the log's at size {size}, and did not sign")
            elif key.replaced is not None and before <= key.replaced < size:
                raise SignatureInvalid(f"key {name} did not sign the first checkpoint that holds its rotation")

    def enter(self, index: int, event: KeyEvent1) -> None:
        """Takes the next key event of the log; of other keys than the log's own what puts them in doubt, or replaces
        them.
        """
        if event.purpose is not KeyPurpose.LOG:
            if isinstance(event, KeyEvent) and event.event in IN_DOUBT:
                self._judged(index, event)
            elif event.event is KeyEventSort.CREATED:
                self._replaced(event)
            return
        if not isinstance(event, KeyEvent):
            raise IntegrityError("says of the log's key what only its creation can")
        if index <= self.last or event.previous != self.last:
            raise IntegrityError(f"names entry {event.previous} as the key event before it, which is {self.last}")
        take = {
            KeyEventSort.PRE_ROTATED: self._pre_rotated,
            KeyEventSort.ROTATED: self._rotated,
            KeyEventSort.ACTIVATED: self._activated,
            KeyEventSort.REVOKED: self._revoked,
            KeyEventSort.COMPROMISE_REPORTED: self._compromised,
            KeyEventSort.COMPROMISE_CONFIRMED: self._compromised,
        }.get(event.event)
        if take is None:
            raise IntegrityError(f"says that the log's key was {event.event.value}, which happens to none")
        take(index, event)
        self.last = index

    def _replaced(self, event: KeyEvent1) -> None:
        """Another key than the log's was made; one that replaces another is signed by both."""
        if isinstance(event, KeyEvent) and event.replaces is not None:
            if self._others.get(event.purpose, event.replaces) != event.replaces:
                raise IntegrityError("replaces another key than the one in use")
            if event.key == event.replaces:
                raise IntegrityError("replaces a key by itself")
            self._require_signed(event, [_parsed(event.replaces), _parsed(event.key)])
        self._others[event.purpose] = event.key

    def _pre_rotated(self, index: int, event: KeyEvent) -> None:
        if event.key != self.present.vkey:
            raise IntegrityError("promises a next key in the name of another one than the log's present")
        if self.promise is not None:
            raise IntegrityError(f"promises a next key, which entry {self.promised} had done already")
        if event.next is None:
            raise IntegrityError("promises no next key")
        self._require_signed(event, [self.present.verifier])
        self.promise, self.promised = event.next, index

    def _rotated(self, index: int, event: KeyEvent) -> None:
        old = self.present
        if event.replaces != old.vkey:
            raise IntegrityError("rotates away another key than the log's present one")
        if self.promise is None:
            raise IntegrityError("rotates to a key that no entry had promised")
        if key_digest(event.key) != self.promise:
            raise IntegrityError(f"rotates to another key than the one that entry {self.promised} committed to")
        if event.next is None or event.next == self.promise:
            raise IntegrityError("promises no key after the new one")
        new = _own_key(self.origin, event.key)
        if self.find(event.key) is not None:
            raise IntegrityError("rotates to a key that the log had before")
        self._require_signed(event, [old.verifier, new])
        old.replaced = index
        self.rotations += (Rotation(index=index, old=old.verifier, new=new, promised=self.promised),)
        self._keys.append(LogKey(verifier=new, since=index))
        self.promise, self.promised = event.next, index

    def _activated(self, index: int, event: KeyEvent) -> None:
        key = _parsed(event.key)
        if not isinstance(key, MldsaKey) or key.name != self.origin:
            raise IntegrityError("activates a key that cannot sign beside the log's")
        if self.find(event.key) is not None:
            raise IntegrityError("activates a key that the log had before")
        self._require_signed(event, [self.present.verifier])
        self._keys.append(LogKey(verifier=key, since=index, beside=True))

    def _revoked(self, index: int, event: KeyEvent) -> None:
        key = self._known(event)
        if key.revoked is not None:
            raise IntegrityError(f"revokes a key that entry {key.revoked} had revoked")
        if key.replaced is None and not key.beside:
            raise IntegrityError("revokes the log's present key, which has to be rotated away before")
        self._require_signed(event, [self.present.verifier])
        key.revoked = index

    def _compromised(self, index: int, event: KeyEvent) -> None:
        self._known(event)
        self._judged(index, event)

    def _judged(self, index: int, event: KeyEvent) -> None:
        _require_compromise(event, self._reported)
        if event.event is KeyEventSort.COMPROMISE_REPORTED:
            self._reported[index] = event
        else:
            assert event.compromise is not None
            assert event.compromise.report is not None
            del self._reported[event.compromise.report]
            self.compromised += ((index, event),)

    def _known(self, event: KeyEvent) -> LogKey:
        found = self.find(event.key)
        if found is None:
            raise IntegrityError("is about a key that is none of the log's")
        return found

    def _require_signed(self, event: KeyEvent, keys: Sequence[Verifier]) -> None:
        """Each of these keys, and no other, signed this very statement."""
        note = f"{key_statement(self.origin, event)}\n{''.join(event.lines)}".encode()
        try:
            opened = open_note(note, keys)
        except LedgerError as error:
            raise IntegrityError(f"is not signed by the keys that it is about: {error.message}") from None
        if len(opened.verified) != len(keys) or opened.unverified:
            raise IntegrityError("is not signed by each of the keys that it is about, and by no other")


SUCCEEDS: Final = (KeyEventSort.ROTATED.value, KeyEventSort.CREATED.value)
"""Events by which a key takes another's place: a log's, and one of any other purpose."""


def follow(origin: str, pinned: VerifierKey, notes: Iterable[str]) -> VerifierKey:
    """The key to which announcements of a log's keys lead from one that is known: each signed by both its keys.

    Those of before the known key say nothing. Raises SignatureInvalid for one that says that key was replaced, and is
    not signed so.
    """
    present = pinned
    for note in notes:
        text = parse_note(note.encode()).text
        said = open_statement(Purpose.LOG_KEY, origin, text)
        if said.get("event") not in SUCCEEDS or said.get("replaces") != str(present):
            continue
        new = VerifierKey.parse(str(said.get("key")))
        if new.name != pinned.name or len(open_note(note.encode(), (present, new)).verified) != 2:
            raise SignatureInvalid(f"what replaces the key {present} is not signed by both keys")
        present = new
    return present


def _require_compromise(event: KeyEvent, reported: dict[int, KeyEvent]) -> None:
    """Raises IntegrityError unless it reports a compromise in full, or is a second person's on one of `reported`."""
    said = event.compromise
    if event.purpose is KeyPurpose.PERSON:
        raise IntegrityError("is about a person's key, whose compromise an incident case reports")
    if said is None or not said.meaning.strip() or not event.reason.strip():
        raise IntegrityError("does not say since when the key is doubtful, why, and what that means")
    if not event.authority.authenticated:
        raise IntegrityError("is not the word of somebody who is known")
    if event.event is KeyEventSort.COMPROMISE_REPORTED:
        if said.report is not None:
            raise IntegrityError("is a report, and confirms another one")
        return
    first = reported.get(-1 if said.report is None else said.report)
    if first is None or first.compromise != msgspec.structs.replace(said, report=None):
        raise IntegrityError("confirms no compromise that was reported so")
    if (first.purpose, first.key) != (event.purpose, event.key):
        raise IntegrityError("confirms the compromise of another key")
    if first.authority.actor == event.authority.actor:
        raise IntegrityError(f"is approved by {event.authority.actor!r} alone, where a compromise takes two people")


def _own_key(origin: str, vkey: str) -> VerifierKey:
    key = _parsed(vkey)
    if not isinstance(key, VerifierKey) or key.name != origin:
        raise IntegrityError(f"names a key that cannot sign checkpoints of {origin}")
    return key


def _parsed(vkey: str) -> Verifier:
    try:
        return parse_verifier(vkey)
    except LedgerError as error:
        raise IntegrityError(f"names a key that is none: {error.message}") from None
