"""The life of the log's keys in a package: how a verifier that pinned an older key is led to the one that signed it.

Every key event of the log is there, proven like any entry. With each rotation stands the first checkpoint that holds
it, and the proof that the package's checkpoint continues that one. So the pinned key itself, with the witnesses that
the policy asks for, vouches for the rotation, and the key it names for the next.
"""

import msgspec

from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.errors import IntegrityError, LedgerError, SignatureInvalid
from ledger.core.hashing import unb64
from ledger.core.key_events import KeyEvent1, KeyEventSort, KeyPurpose
from ledger.core.log_created import LogCreated, LogCreated2
from ledger.core.log_keys import LogKeyHistory, Rotation
from ledger.core.merkle import verify_consistency
from ledger.core.note import parse_note
from ledger.core.policy import Policy
from reports import layout
from reports.checks import Problems
from reports.lines import MAX_LINE, KeyEventLine, check_line
from reports.reading import KEY_EVENT, lines_of
from reports.strictzip import StrictZip
from reports.verdict import Check, Outcome


class Authenticated(msgspec.Struct, frozen=True, kw_only=True):
    """The package's checkpoint, and by how many rotations the outside key leads to the key that signed it."""

    head: Checkpoint
    rotations: int


class KeyLife:
    """The key events of a package: held to the rules as they are read, proven once the checkpoint is known."""

    def __init__(self, created: LogCreated) -> None:
        promise = created.next if isinstance(created, LogCreated2) else None
        self.history = LogKeyHistory(created.origin, created.key, promise)
        self._lines: list[KeyEventLine] = []

    def read(self, package: StrictZip, prefix: str) -> None:
        """Reads the events in their order; raises IntegrityError, naming the entry that could not come then."""
        last = 0
        for line in lines_of(package, prefix + layout.KEY_LIFE, KeyEventLine, MAX_LINE):
            try:
                if line.index <= last:
                    raise IntegrityError("does not stand in the order of the log")
                last = line.index
                event = _event(line)
                self.history.enter(line.index, event)
                rotates = event.purpose is KeyPurpose.LOG and event.event is KeyEventSort.ROTATED
                if rotates is (line.note is None):
                    raise IntegrityError("bears no checkpoint where a rotation has to, or one where none has")
            except LedgerError as error:
                raise IntegrityError(f"entry {line.index}: this key event {error.message}") from None
            self._lines.append(line)

    def authenticate(self, note: bytes, policy: Policy) -> Authenticated:
        """The package's checkpoint, if the policy's keys signed it, or lead to the key that did.

        Raises SignatureInvalid where they do not, and what `Policy.open` raises.
        """
        origin = Checkpoint.parse(parse_note(note).text).origin
        pinned = {str(key) for key in policy.log_keys(origin)}
        start = [at for at, one in enumerate(self.history.rotations) if str(one.old) in pinned]
        if str(self.history.present.verifier) in pinned or not start:
            return Authenticated(head=self._held(note, policy.open(note).checkpoint), rotations=0)
        head = Checkpoint.parse(parse_note(note).text)
        ahead = self.history.rotations[max(start) :]
        for rotation in ahead:
            policy = self._led(policy, rotation, head)
        return Authenticated(head=self._held(note, policy.open(note).checkpoint), rotations=len(ahead))

    def inside(self, note: bytes) -> Checkpoint:
        """The package's checkpoint under the keys that the package itself names: consistent, not authenticated."""
        origin = Checkpoint.parse(parse_note(note).text).origin
        return self._held(note, open_checkpoint(note, origin, self.history.verifiers).checkpoint)

    def prove(self, head: Checkpoint, problems: Problems) -> None:
        """Proves that each key event stands in the log."""
        for line in self._lines:
            try:
                if check_line(line, head.size, head.root).leaf.kind != "key-event":
                    raise IntegrityError("is no key event")
            except LedgerError as error:
                problems.add(f"entry {line.index} in {layout.KEY_LIFE}", str(error))

    def checks(self, used: str) -> list[Check]:
        """What is said of keys that may have been in other hands; `used`: the report key that sealed the package."""
        found = []
        names = {KeyPurpose.LOG: "log", KeyPurpose.REPORT: "report"}
        for index, event in self.history.compromised:
            said = event.compromise
            if said is None or event.purpose not in names or (event.purpose is KeyPurpose.REPORT and event.key != used):
                continue
            found.append(
                Check(
                    name=f"Key in doubt, entry {index}",
                    outcome=Outcome.UNKNOWN,
                    says=f"the {names[event.purpose]} key {event.key} may have been in other hands from "
                    f"{said.doubtful_from} on: {said.meaning}",
                    not_proven="that what only this key vouches for was made by whoever owned it, unless a witness or "
                    "a time-stamp dates it before that",
                )
            )
        return found

    def _led(self, policy: Policy, rotation: Rotation, head: Checkpoint) -> Policy:
        """The policy with the new key of a rotation in the old one's place, if the old one vouches for it."""
        line = next(one for one in self._lines if one.index == rotation.index)
        assert line.note is not None
        try:
            signed = policy.open(line.note.encode())
            held = signed.checkpoint
            if (rotation.old.name, rotation.old.key_id) not in {(one.name, one.key_id) for one in signed.verified}:
                raise SignatureInvalid("the key that was rotated away did not sign the checkpoint that holds it")
            if held.origin != head.origin or not rotation.index < held.size:
                raise SignatureInvalid("its checkpoint does not hold it, or is another log's")
            _continues(held, head, line)
            check_line(line, head.size, head.root)
        except LedgerError as error:
            raise SignatureInvalid(f"the rotation of entry {rotation.index}: {error.message}") from None
        return policy.with_log_key(rotation.new)

    def _held(self, note: bytes, head: Checkpoint) -> Checkpoint:
        """Raises SignatureInvalid where the checkpoint lacks a line, or bears one of a key that might not sign it."""
        opened = open_checkpoint(note, head.origin, self.history.verifiers)
        self.history.check(head.size, head.size, opened.verified)
        return head


def _continues(held: Checkpoint, head: Checkpoint, line: KeyEventLine) -> None:
    if held.size == head.size:
        if held.root != head.root:
            raise SignatureInvalid("its checkpoint has another root than the package's")
        return
    proof = [unb64(one, 32) for one in line.consistency]
    verify_consistency(held.size, head.size, held.root, head.root, proof)


def _event(line: KeyEventLine) -> KeyEvent1:
    try:
        event: KeyEvent1 = msgspec.json.decode(line.body, type=KEY_EVENT)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"is none: {error}") from None
    return event
