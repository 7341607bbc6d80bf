"""Integrity incidents as entries of the system log: a case from its opening to its closing, and the epoch that names a
damage which stays.
"""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.signature import Runs
from ledger.core.times import SafeInt

MAX_LINKS = 5000
"""Links (batches, lots, …) that a case names; where there are more, every one of the log's is taken for affected."""


class CaseEvent(StrEnum):
    """What happened to a case."""

    REPORTED = "reported"
    """One person says that a source, agent or key was compromised; another has to say so too."""
    OPENED = "opened"
    COMPARED = "compared"
    """A backup or replica was compared with what the case doubts."""
    RESTORED = "restored"
    """The way back was a restore, and a full verification held after it."""
    PROPOSED = "proposed"
    """One person wants the log to go on in a new epoch; another has to want it too."""
    CONTINUED = "continued"
    """The way back was a new epoch, which names the damage."""
    CLOSING = "closing"
    """The deviation is named; the case is closed once quality assurance has signed this very entry."""


class Cause(StrEnum):
    """Why a case was opened."""

    VERIFICATION = "verification"
    PUBLISHER = "publisher"
    """The signer refused to sign: the log does not continue what was signed before."""
    SOURCE = "source"
    AGENT = "agent"
    KEY = "key"
    LOG = "log"
    """What somebody keeps outside, a checkpoint card or a policy, contradicts a log: two people hold that to be so."""


class CaseFault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fault as verification names it, by the log's origin: the same fault opens no second case."""

    origin: Name
    index: SafeInt
    table: Name
    what: Text
    column: str = ""


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of a log, as `core.members` writes them."""

    origin: Name
    runs: Runs


class KeptFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the case's folder, outside of the database, and its SHA-256."""

    name: Name
    size: SafeInt
    sha256: Digest


class LastProven(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last checkpoint of a log that still holds: everything below `size` is proven. `size` 0: none is.

    `basis`: who vouches for it (`witnesses`, or the `signer` alone). `signed`: what the signer's own state says, which
    no thief of the database changes.
    """

    origin: Name
    size: SafeInt
    basis: Name
    root: Digest | None = None
    signed: SafeInt | None = None


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """A batch, lot or whatever records are linked to."""

    kind: Name
    id: Name


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many artefacts of a sort rest on what is affected."""

    sort: Name
    count: SafeInt


class Comparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a backup or replica said of the doubted entries of a log: which have the same leaf there, which another."""

    origin: Name
    place: Name
    size: SafeInt
    compared: SafeInt
    confirmed: Runs | None = None
    differ: Runs | None = None
    missing: Runs | None = None


class IncidentCase(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="incident-case/1"
):
    """Something that happened to a case. Which members are given depends on the event.

    Opened: `cause`, `faults` or `subject` and `since` (a compromise: from which moment on), `affected`, `proven`,
    `evidence` (files under `kept/incidents/<case>/`), `impact` and `links` as they stood then. Compared: `comparison`.
    Restored and continued: `verifications` (addresses), and the `backup` or the `epoch` (an address). Closing:
    `deviation`, the site's number.
    """

    case: Name
    event: CaseEvent
    reason: Text
    authority: Authority
    cause: Cause | None = None
    subject: Name | None = None
    since: Name | None = None
    faults: tuple[CaseFault, ...] = ()
    affected: tuple[Entries, ...] = ()
    proven: tuple[LastProven, ...] = ()
    evidence: tuple[KeptFile, ...] = ()
    impact: tuple[Counted, ...] = ()
    links: tuple[Linked, ...] = ()
    every_link: bool = False
    """More links than are listed: all of the log's are affected."""
    comparison: Comparison | None = None
    verifications: tuple[Name, ...] = ()
    backup: Name | None = None
    epoch: Name | None = None
    deviation: Name | None = None
    opening: SafeInt | None = None
    """The entry that opened the case; none in that entry itself."""
    first_opened: Name | None = None
    """Where the case was entered again after a restore: when it was opened first, as its folder says."""


class DamagedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that an epoch knows, and the digest of what stood there when it did: other bytes are a new fault."""

    index: SafeInt
    table: Name
    state: Digest


class Epoch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="epoch/1"):
    """The log of `origin` goes on in epoch `number` though a part of it is damaged; nothing of it was repaired.

    `size` and `root`: the log as it stood when the epoch began. `damage`: every place that does not hold. `proven`: the
    last checkpoint that holds. Of a log that was rolled back `signed` and `signed_root` are what the signer had signed:
    the entries from `size` on that it signed for are gone.
    """

    origin: Name
    number: SafeInt
    case: Name
    size: SafeInt
    root: Digest
    proven: LastProven
    damage: tuple[DamagedPlace, ...]
    reason: Text
    authority: Authority
    signed: SafeInt | None = None
    signed_root: Digest | None = None


KINDS = (Kind("incident-case", [IncidentCase]), Kind("epoch", [Epoch]))
