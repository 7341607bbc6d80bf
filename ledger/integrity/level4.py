"""Level 4: every electronic signature again, from the system log's entries alone.

Each key chains to the first start; each signature is its signer's, over exactly this statement, by a key that counted
and was under a checkpoint; what it is over stands in the log unchanged, and stood there when it was signed; its words
are those of the list's version; its nonce was used once, its time is that of its entry, a passkey's counter went on;
and the signer held that role.
"""

from collections.abc import Callable, Iterator, Mapping

from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.anchors import TrustAnchorEntry
from ledger.core.binding import CeremonyEntry, KeyBindingEntry, verify_proof
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.errors import LedgerError, SignatureInvalid
from ledger.core.external import Certified
from ledger.core.hashing import b64
from ledger.core.key_history import KeyHistory
from ledger.core.kinds import KindRegistry
from ledger.core.paper import PaperEntry, Papers
from ledger.core.passkey import Assertion
from ledger.core.signature import Mode, SignatureEntry, Target, holds_together, lasting_us, members
from ledger.core.time_epoch import SIGNERS, TimeEpochEntry, epoch_message, in_time
from ledger.integrity.entitled import Entitled
from ledger.integrity.entries import read_entries
from ledger.integrity.fault import Fault
from ledger.people.kinds import present
from ledger.signing.kinds import SigningListEntry
from ledger.signing.lists import BUILT_IN, SigningList, built_in_lists, listed, says
from ledger.signing.provider_check import provider_verifier
from ledger.signing.targets import unlike
from ledger.signing.time_epochs import MAY_SIGN
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.reading import LogReader

ELSEWHERE = (Mode.PROVIDER,)
"""Modes whose proof is not by a key of this log."""
Verifier = Callable[[Connection, SignatureEntry, int], object]
"""Verifies a signature of such a mode, entered at that moment; raises SignatureInvalid."""

_KINDS = tuple(
    b'"kind":"%s"' % kind
    for kind in (
        *(b"signature", b"key-binding", b"ceremony", b"signing-list"),
        *(b"trust-anchor", b"paper-signature"),
        *(b"grant", b"credential", b"reset", b"qualification", b"time-epoch"),
    )
)


def signatures_fault(
    connection: Connection,
    kinds: KindRegistry,
    pulse: Callable[[int], None],
    verifiers: Mapping[Mode, Verifier] | None = None,
) -> Fault | None:
    """The first entry of the system log whose signature, binding or ceremony does not hold."""
    reader = LogReader(connection, SYSTEM_LOG)
    logs = {log.origin: log for log in read_logs(connection)}
    system = next(log for log in logs.values() if log.number == SYSTEM_LOG)
    known = {Mode.PROVIDER: provider_verifier(kinds), **(verifiers or {})}
    check = SignatureCheck(connection, logs, system.origin, known)
    size = reader.head().size
    for index in _indices(reader, size):
        entry = next(read_entries(connection, SYSTEM_LOG, index, index + 1, kinds))
        try:
            check.enter(entry)
        except LedgerError as error:
            return Fault(log=SYSTEM_LOG, index=index, table="body", what=error.message)
        pulse(1)
    for index, what in check.unseen:
        return Fault(log=SYSTEM_LOG, index=index, table="body", what=what)
    return None


def _indices(reader: LogReader, size: int) -> Iterator[int]:
    for stored in reader.entries(0, size):
        if any(kind in stored.leaf for kind in _KINDS):
            yield stored.index


class SignatureCheck:
    """Fed with the system log's entries in order; raises SignatureInvalid, IntegrityError at one that does not hold."""

    def __init__(
        self, connection: Connection, logs: Mapping[str, LogId], origin: str, verifiers: Mapping[Mode, Verifier]
    ) -> None:
        self._connection = connection
        self._logs = logs
        self._history = KeyHistory(origin)
        self._verifiers = verifiers
        self._lists: dict[str, list[SigningList]] = {BUILT_IN: list(built_in_lists())}
        self._entitled = Entitled(origin)
        self._papers = Papers()
        self.unseen: list[tuple[int, str]] = []
        """Signatures whose state of the log is not its own: a changed entry makes many, and is named before."""
        self._nonces: dict[str, int] = {}
        self._counters: dict[str, int] = {}

    def enter(self, entry: Entry) -> None:
        body = present(entry.body)
        if isinstance(body, SigningListEntry):
            address = f"{self._history.origin}#{entry.index}"
            self._lists[address] = [listed(body, address)]
        elif isinstance(body, KeyBindingEntry | CeremonyEntry | TrustAnchorEntry):
            self._history.enter(entry.index, body)
        elif isinstance(body, PaperEntry):
            self._papers.enter(entry.index, body)
        elif isinstance(body, SignatureEntry):
            self._signature(body, entry)
        elif isinstance(body, TimeEpochEntry):
            self._time_epoch(body, entry)
        self._entitled.enter(entry, body)

    def _signature(self, body: SignatureEntry, entry: Entry) -> None:
        said = body.statement
        first = self._nonces.setdefault(said.nonce, entry.index)
        _require(first == entry.index, f"it is a replay: entry {first} has used its nonce")
        self._proof(body, entry)
        signed_us = parse_utc(said.signed_at)
        _require(
            signed_us <= entry.logged_us <= signed_us + lasting_us(said.mode),
            f"it says that it was made at {said.signed_at}, which was not within "
            f"{'an hour' if said.mode is Mode.EXTERNAL else 'ten minutes'} before it was entered",
        )
        self._target(said.target)
        seen = self._logs.get(said.seen.origin)
        _require(seen is not None and said.seen.origin == said.target.origin, "it was not this log that was seen")
        assert seen is not None
        reader = LogReader(self._connection, seen.number)
        if not 0 < said.seen.size <= reader.head().size or b64(reader.root(said.seen.size)) != said.seen.root:
            self.unseen.append((entry.index, "the log never had the state at which it says that the content was seen"))
        _require(members(said.target).last < said.seen.size, "what is signed was not there to be seen")
        for one in (said.meaning, said.reason):
            known = self._lists.get(one.version, [])
            _require(any(says(chosen, one) for chosen in known), f"no list has said {one.code!r} in these words")

    def _time_epoch(self, body: TimeEpochEntry, entry: Entry) -> None:
        """Two people signed what the logs go back over, each by a key that counted, and each was entitled to."""
        said, accounts = body.statement, tuple(one.account for one in body.signatures)
        _require(said.origin == self._history.origin, f"the statement is of log {said.origin}")
        _require(in_time(said, entry.logged_us), f"it was to be entered within an hour of {said.goes_on_at}")
        _require(accounts == said.signers and len(set(accounts)) == len(accounts) == SIGNERS, "two people sign it")
        for one in body.signatures:
            standing = self._history.at(one.key)
            _require(standing.account == one.account, f"the key is that of {standing.account!r}")
            _require(standing.counts(entry.index), f"key {standing.key.key_id} did not count when it was signed")
            _require(standing.key.mode is Mode.SEALED_KEY, f"key {standing.key.key_id} does not sign such statements")
            verify_proof(standing.key, one.proof, epoch_message(said), b"")
            self._entitled.require_scope(one.account, MAY_SIGN)

    def _proof(self, body: SignatureEntry, entry: Entry) -> None:
        said = body.statement
        if said.mode in ELSEWHERE:
            verify = self._verifiers.get(said.mode)
            if verify is None:
                raise SignatureInvalid(f"this version cannot verify a signature of mode {said.mode.value}")
            verify(self._connection, body, entry.logged_us)
            return
        found = self._history.verify(body, entry.index)
        standing = self._history.at(said.binding or "")
        # The key's binding was under a checkpoint before it signed, and so was the anchor of a certificate elsewhere.
        since = [standing.bound] + (
            [self._history.anchored(found, entry.index)] if isinstance(found, Certified) else []
        )
        for one in since:
            covered = Bulk(self._connection).all(
                "SELECT size FROM checkpoint WHERE log = ? AND size > ? AND size <= ? LIMIT 1",
                (SYSTEM_LOG, one, entry.index),
            )
            _require(bool(covered), f"no checkpoint covered key {standing.key.key_id} when it signed")
        if isinstance(found, Assertion):
            assertion = found
            last = self._counters.get(standing.key.key_id, 0)
            _require(assertion.counter > last or not (assertion.counter or last), "its counter did not go on")
            self._counters[standing.key.key_id] = assertion.counter

    def _target(self, target: Target) -> None:
        _require(holds_together(target), "its list of entries, their count and their root do not agree")
        log = self._logs.get(target.origin)
        if log is None:
            raise SignatureInvalid(f"it signs entries of log {target.origin}, which is not here")
        wrong = unlike(self._connection, log, target)
        _require(wrong is None, f"{wrong}: it is unsigned now")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise SignatureInvalid(what)
