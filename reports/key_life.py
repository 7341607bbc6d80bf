"""The life of the log's keys in a package: how a verifier that pinned an older key is led to the one that signed it.

Every key event of the log is there, proven like any entry; with each rotation stands the first checkpoint that holds
it. The rules are `core.led_keys`; here the package's file is read and what comes of it is said.
"""

import msgspec

from ledger.core import led_keys
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.errors import LedgerError
from ledger.core.key_events import KeyPurpose
from ledger.core.led_keys import ProvenEvent
from ledger.core.log_created import LogCreated
from ledger.core.policy import Policy
from reports import layout
from reports.checks import Problems
from reports.lines import MAX_LINE, KeyEventLine
from reports.reading import lines_of
from reports.strictzip import StrictZip
from reports.verdict import Check, Outcome


class Authenticated(msgspec.Struct, frozen=True, kw_only=True):
    """The package's checkpoint, and by how many rotations the outside key leads to the key that signed it."""

    head: Checkpoint
    rotations: int


class KeyLife:
    """The key events of a package: held to the rules as they are read, proven once the checkpoint is known."""

    def __init__(self, created: LogCreated) -> None:
        self._life = led_keys.KeyLife(created)
        self.history = self._life.history
        self._events: list[ProvenEvent] = []

    def read(self, package: StrictZip, prefix: str, note: bytes) -> None:
        """Reads the events in their order; raises IntegrityError, naming the entry that could not come then.

        `note`: the package's checkpoint, of which nothing is known yet.
        """
        head = led_keys.parsed(note)
        for line in lines_of(package, prefix + layout.KEY_LIFE, KeyEventLine, MAX_LINE):
            one = led_keys.unpacked(msgspec.structs.asdict(line), head)
            self._life.enter(one)
            self._events.append(one)

    def authenticate(self, note: bytes, policy: Policy) -> Authenticated:
        """The package's checkpoint, if the policy's keys signed it, or lead to the key that did.

        Raises SignatureInvalid where they do not, and what `Policy.open` raises.
        """
        policies = list(self._life.policies(policy))
        head, _ = self._life.open(note, policies[-1:])
        return Authenticated(head=head, rotations=len(policies) - 1)

    def inside(self, note: bytes) -> Checkpoint:
        """The package's checkpoint under the keys that the package itself names: consistent, not authenticated."""
        origin = led_keys.parsed(note).origin
        return self._life.held(note, open_checkpoint(note, origin, self.history.verifiers).checkpoint)

    def prove(self, problems: Problems) -> None:
        """Proves that each key event stands in the log."""
        for one in self._events:
            try:
                led_keys.prove(one)
            except LedgerError as error:
                problems.add(f"entry {one.index} in {layout.KEY_LIFE}", str(error))

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
