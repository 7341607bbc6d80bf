"""How a verifier that pinned an older key of a log is led to the key that signs now, by the log's own entries.

Each key event stands in the log's tree, and each rotation in a checkpoint that the key before it signed, which the
checkpoint at hand continues. So the pinned key itself, with the witnesses that a policy asks for, vouches for the
rotation, and the key that this names for the next. Packages, published tiles and watched logs rest on these rules.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from ledger.core.audit import FIRST_KIND, KEY_EVENT
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.entry import LeafData, decode_leaf
from ledger.core.errors import ChainBroken, IntegrityError, LedgerError, SignatureInvalid
from ledger.core.hashing import b64, body_commitment, leaf_hash, unb64
from ledger.core.key_events import KeyEvent, KeyEvent1, KeyEventSort, KeyPurpose
from ledger.core.log_created import LogCreated, LogCreated2
from ledger.core.log_keys import LogKeyHistory, Rotation
from ledger.core.merkle import verify_consistency, verify_inclusion
from ledger.core.note import parse_note
from ledger.core.policy import Policy

_EVENT: Final[Any] = KeyEvent1 | KeyEvent
_CREATED: Final[Any] = LogCreated | LogCreated2


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry proved: its leaf, and the leaf's hash."""

    leaf: LeafData
    hash: bytes


class ProvenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A key event, or a log's creation, as bytes, with the proof that it stands in the tree of `head`.

    Of a rotation: `note`, a checkpoint that holds it and that the old key signed, and the proof (`consistency`) that
    `head` continues that one.
    """

    index: int
    leaf: bytes
    salt: bytes
    body: bytes
    proof: tuple[bytes, ...]
    head: Checkpoint
    note: bytes | None = None
    consistency: tuple[bytes, ...] = ()

    def check(self) -> Checked:
        """Raises as `check_entry` does."""
        head = self.head
        return check_entry(self.index, self.leaf, self.salt, self.body, self.proof, head.size, head.root)


def check_entry(
    index: int, leaf: bytes, salt: bytes, body: bytes, proof: Sequence[bytes], size: int, root: bytes
) -> Checked:
    """Proves that an entry stands in the tree of that size and root, with exactly this body.

    Raises ChainBroken, NotCanonical, ProofInvalid or InvalidEntry.
    """
    data = decode_leaf(leaf)
    if data.index != index:
        raise ChainBroken(f"holds the leaf of entry {data.index}")
    if b64(body_commitment(salt, body)) != data.body:
        raise ChainBroken("the body is not the one that its leaf commits to")
    hashed = leaf_hash(leaf)
    verify_inclusion(index, size, hashed, proof, root)
    return Checked(leaf=data, hash=hashed)


class KeyLife:
    """The keys of a log as its events have them, each held to the rules (`core.log_keys`) as it is entered."""

    def __init__(self, created: LogCreated) -> None:
        promise = created.next if isinstance(created, LogCreated2) else None
        self.number = created.number
        self.history = LogKeyHistory(created.origin, created.key, promise)
        self.last = 0
        self._rotated: dict[int, ProvenEvent] = {}

    @classmethod
    def begin(cls, created: ProvenEvent) -> "KeyLife":
        """The life that a log's entry 0 begins; raises IntegrityError where it begins none."""
        if created.index != 0 or created.check().leaf.kind != FIRST_KIND:
            raise IntegrityError(f"entry {created.index} does not begin the log")
        try:
            said: LogCreated = msgspec.json.decode(created.body, type=_CREATED)
        except msgspec.DecodeError as error:
            raise IntegrityError(f"entry 0 does not say how the log began: {error}") from None
        if said.origin != created.head.origin:
            raise IntegrityError(f"entry 0 begins log {said.origin}, not {created.head.origin}")
        return cls(said)

    def enter(self, one: ProvenEvent) -> KeyEvent1:
        """Takes the next event; raises IntegrityError, naming its entry, for one that could not come then.

        That it stands in the log, `prove` says.
        """
        try:
            if one.index <= self.last:
                raise IntegrityError("does not stand in the order of the log")
            event = _decoded(one.body)
            self.history.enter(one.index, event)
            rotates = event.purpose is KeyPurpose.LOG and event.event is KeyEventSort.ROTATED
            if rotates is (one.note is None):
                raise IntegrityError("bears no checkpoint where a rotation has to, or one where none has")
        except LedgerError as error:
            raise IntegrityError(f"entry {one.index}: this key event {error.message}") from None
        self.last = one.index
        if rotates:
            self._rotated[one.index] = one
        return event

    def policies(self, pinned: Policy) -> Iterator[Policy]:
        """What is trusted from outside, and then that policy with each key to which rotations lead from its own.

        Raises SignatureInvalid, naming the entry, for a rotation for which the key before it does not vouch.
        """
        yield pinned
        trusted = {str(key) for key in pinned.log_keys(self.history.origin)}
        start = [at for at, one in enumerate(self.history.rotations) if str(one.old) in trusted]
        if str(self.history.present.verifier) in trusted or not start:
            return
        policy = pinned
        for rotation in self.history.rotations[max(start) :]:
            policy = self._led(policy, rotation)
            yield policy

    def open(self, note: bytes, policies: Iterable[Policy]) -> tuple[Checkpoint, int]:
        """A checkpoint that the newest of these policies trusts that can, and which that is, counted from 0.

        Raises what `Policy.open` raises for the newest one, and SignatureInvalid where a line is missing, or is of a
        key that might not sign at that size.
        """
        wrong: LedgerError | None = None
        tried = list(policies)
        for at in range(len(tried) - 1, -1, -1):
            try:
                found = tried[at].open(note).checkpoint
            except SignatureInvalid as error:
                wrong = wrong or error
                continue
            return self.held(note, found), at
        assert wrong is not None
        raise wrong

    def held(self, note: bytes, head: Checkpoint) -> Checkpoint:
        """Raises SignatureInvalid where the checkpoint lacks a line, or bears one of a key that might not sign it."""
        opened = open_checkpoint(note, self.history.origin, self.history.verifiers)
        self.history.check(head.size, head.size, opened.verified)
        return head

    def _led(self, policy: Policy, rotation: Rotation) -> Policy:
        """The policy with the new key of a rotation in the old one's place, if the old one vouches for it."""
        one = self._rotated[rotation.index]
        assert one.note is not None
        try:
            signed = policy.open(one.note)
            held = signed.checkpoint
            if (rotation.old.name, rotation.old.key_id) not in {(by.name, by.key_id) for by in signed.verified}:
                raise SignatureInvalid("the key that was rotated away did not sign the checkpoint that holds it")
            if held.origin != one.head.origin or not rotation.index < held.size:
                raise SignatureInvalid("its checkpoint does not hold it, or is another log's")
            _continues(held, one)
            one.check()
        except LedgerError as error:
            raise SignatureInvalid(f"the rotation of entry {rotation.index}: {error.message}") from None
        return policy.with_log_key(rotation.new)


def prove(one: ProvenEvent) -> None:
    """Raises, as `check_entry` does, unless it stands in its log as a key event."""
    if one.check().leaf.kind != KEY_EVENT:
        raise IntegrityError("is no key event")


def parsed(note: bytes) -> Checkpoint:
    """What a note says before anything is verified."""
    return Checkpoint.parse(parse_note(note).text)


def unpacked(said: Mapping[str, Any], head: Checkpoint) -> ProvenEvent:
    """An event from the members of a line or an entry, whose hashes are base64 and whose bytes may be text."""
    note = said["note"]
    return ProvenEvent(
        index=said["index"],
        leaf=_bytes(said["leaf"]),
        salt=unb64(said["salt"], 32),
        body=_bytes(said["body"]),
        proof=tuple(unb64(one, 32) for one in said["proof"]),
        head=head,
        note=note.encode() if note else None,
        consistency=tuple(unb64(one, 32) for one in said["consistency"]),
    )


def _bytes(said: Any) -> bytes:
    return said.encode() if isinstance(said, str) else bytes(said)


def _continues(held: Checkpoint, one: ProvenEvent) -> None:
    head = one.head
    if held.size == head.size:
        if held.root != head.root:
            raise SignatureInvalid("its checkpoint has another root than the one at hand")
        return
    verify_consistency(held.size, head.size, held.root, head.root, one.consistency)


def _decoded(body: bytes) -> KeyEvent1:
    try:
        event: KeyEvent1 = msgspec.json.decode(body, type=_EVENT)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"is none: {error}") from None
    return event
