"""Level 2 of configuration under change control: decides again that each such entry was signed by a second person.

Once two persons hold roles, an entry of configuration follows from a change: it is one of those right after the entry
that says that the change took effect, and is, but for who brought it about, the line that stands for it in the vault,
to which the signed proposal commits. Logs from before there were changes are held to that from their first change on.
A source's first mapping comes with its registration; its title, its owner and where its secrets are found change
without any. A rule of retention takes two persons from the start, so nothing but a change ever brings one.
"""

from typing import Final

from sqlalchemy import Connection

from ledger.core.address import parse_address
from ledger.core.change import Change, ChangeEntry, ChangeEvent, ChangeState, line_of, unsigned
from ledger.core.entry import Entry
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import b64, leaf_hash, original_commitment
from ledger.core.kinds import KindRegistry
from ledger.core.log_created import LogCreated
from ledger.core.signature import SignatureEntry, Signer
from ledger.integrity.entries import read_entries
from ledger.integrity.separation import Separation
from ledger.people.changeable import CHANGEABLE, approvers_of
from ledger.retention.kinds import RuleEntry, by_change
from ledger.sources.changing import differing
from ledger.sources.kinds import MappingAdopted, SourceRegistered
from ledger.store.append import CLOCK_BEHIND_REFUSED_US
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.reading import LogReader, VaultReader

_SINCE: Final = (0, 2)
"""The version of the product from which on all configuration of its new logs is under change control."""
GRACE_US: Final = 60_000_000
"""How long after rights changed an entry may be logged that was made before that was known."""


class Changing:
    """The changes of one log; `broken` asks of its entries in any order."""

    def __init__(self, connection: Connection, log: int, kinds: KindRegistry, rights: Separation) -> None:
        """`rights`: who held roles when, from the system log."""
        self._connection = connection
        self._log = log
        self._kinds = kinds
        self._rights = rights
        self._logs = {one.number: one for one in read_logs(connection)}
        self._since: int | None = None
        self._effects: dict[int, tuple[str, dict[int, str]]] = {}
        self._last: tuple[int, int] | None = None

    def brought(self, entry: Entry) -> bool:
        """Whether an entry is one of those that a change brought, whose right is the signature over it."""
        return entry.kind in CHANGEABLE and self._effect(entry.index) is not None

    def broken(self, entry: Entry) -> str:
        """The rule of change control that an entry breaks; empty if none."""
        if isinstance(entry.body, ChangeEntry):
            return self._event(entry, entry.body)
        if entry.kind not in CHANGEABLE:
            return ""
        effect = self._effect(entry.index)
        if effect is not None:
            return self._judged(effect)[1].get(entry.index, "")
        always = isinstance(entry.body, RuleEntry) and by_change(entry.body)
        if not always and (entry.index < self._begins() or not self._started(entry)):
            return ""
        if self._registers(entry) or self._keeps(entry):
            return ""
        return f"{entry.kind} was set by no change that a second person signed"

    def _registers(self, entry: Entry) -> bool:
        """Whether an entry is the mapping with which a source was registered for the first time."""
        if not isinstance(entry.body, MappingAdopted):
            return False
        before = self._entry(entry.index - 1).body
        rows = Bulk(self._connection).all(
            "SELECT MIN(from_index) FROM source WHERE log = ? AND key = ?", (self._log, entry.body.source)
        )
        whose = isinstance(before, SourceRegistered) and before.id == entry.body.source
        return whose and rows[0][0] == entry.index - 1

    def _keeps(self, entry: Entry) -> bool:
        """Whether an entry registers a source for the first time, or again with nothing under change control."""
        if not isinstance(entry.body, SourceRegistered):
            return False
        rows = Bulk(self._connection).all(
            "SELECT MAX(from_index) FROM source WHERE log = ? AND key = ? AND from_index < ?",
            (self._log, entry.body.id, entry.index),
        )
        if rows[0][0] is None:
            return True
        before = self._entry(rows[0][0]).body
        return isinstance(before, SourceRegistered) and not differing(before, entry.body)

    def _started(self, entry: Entry) -> bool:
        return self._rights.started_by(entry.logged_us - GRACE_US)

    def _begins(self) -> int:
        """The entry from which on the log's configuration is under change control."""
        if self._since is None:
            (created,) = read_entries(self._connection, self._log, 0, 1, self._kinds)
            rows = Bulk(self._connection).all("SELECT MIN(from_index) FROM gmp_change WHERE log = ?", (self._log,))
            first = rows[0][0]
            whole = isinstance(created.body, LogCreated) and _version(created.body.product) >= _SINCE
            self._since = 0 if whole else 2**63 - 1 if first is None else int(first)
        return self._since

    def _effect(self, index: int) -> int | None:
        """The entry by which the change took effect that this one is of, as that entry itself says."""
        if self._last is not None and self._last[0] < index <= self._last[1]:
            return self._last[0]
        rows = Bulk(self._connection).all(
            "SELECT MAX(from_index) FROM gmp_change WHERE log = ? AND state = ? AND from_index < ?"
            " AND from_index + count >= ?",
            (self._log, ChangeState.EFFECTIVE.value, index, index),
        )
        if rows[0][0] is None:
            return None
        found = int(rows[0][0])
        body = self._entry(found).body
        if not isinstance(body, ChangeEntry) or body.event is not ChangeEvent.EFFECTIVE or index > found + body.count:
            return None
        self._last = found, found + body.count
        return found

    def _event(self, entry: Entry, body: ChangeEntry) -> str:
        """What is wrong with an event of a change, by those before it."""
        try:
            self._before(body.change, entry.index).take(entry.index, body)
        except IntegrityError as error:
            return error.message
        if body.event is ChangeEvent.PROPOSED and not body.authority.authenticated and self._started(entry):
            return f"change {body.change!r} was proposed by nobody who is known"
        return self._judged(entry.index)[0] if body.event is ChangeEvent.EFFECTIVE else ""

    def _before(self, change: str, index: int) -> Change:
        found = Change()
        rows = Bulk(self._connection).all(
            "SELECT from_index FROM gmp_change WHERE log = ? AND key = ? AND from_index < ? ORDER BY from_index",
            (self._log, change, index),
        )
        for (at,) in rows:
            body = self._entry(int(at)).body
            if not isinstance(body, ChangeEntry) or body.change != change:
                raise IntegrityError(f"entry {at} is none of change {change!r}")
            found.take(int(at), body)
        return found

    def _judged(self, index: int) -> tuple[str, dict[int, str]]:
        """What is wrong with a change that took effect: with that itself, and with each of its entries."""
        if index not in self._effects:
            entry = self._entry(index)
            try:
                change = self._before(entry.body.change, index)
                self._effects[index] = self._unapproved(entry, change), self._differing(entry, change)
            except LedgerError as error:
                self._effects[index] = error.message, {}
        return self._effects[index]

    def _unapproved(self, entry: Entry, change: Change) -> str:
        body: ChangeEntry = entry.body
        if change.proposed is None or change.index is None or body.signature is None:
            return f"change {body.change!r} took effect, and was not proposed"
        address = parse_address(body.signature)
        if address.origin != self._logs[SYSTEM_LOG].origin:
            return f"{body.signature} is no signature of this ledger"
        (signed,) = read_entries(self._connection, SYSTEM_LOG, address.index, address.index + 1, self._kinds)
        if not isinstance(signed.body, SignatureEntry):
            return f"{body.signature} is no signature"
        if signed.logged_us > entry.logged_us + CLOCK_BEHIND_REFUSED_US:
            return f"change {body.change!r} took effect before it was signed"
        leaf = leaf_hash(LogReader(self._connection, self._log).entry(change.index).leaf)
        roles = approvers_of(change.proposed.kinds)
        said, origin = signed.body.statement, self._logs[self._log].origin
        return unsigned(said, change.proposed, origin, change.index, leaf, roles) or self._lapsed(entry, said.signer)

    def _lapsed(self, entry: Entry, signer: Signer) -> str:
        """Why the signer approved nothing there any more when a change took effect; empty if they still did."""
        site = None if self._log == SYSTEM_LOG else self._logs[self._log].name
        moments = (entry.logged_us, entry.logged_us - GRACE_US)
        if any(self._rights.held(signer.account, signer.role, site, at_us) for at_us in moments):
            return ""
        return f"{signer.account} was no {signer.role} there any more when change {entry.body.change!r} took effect"

    def _differing(self, entry: Entry, change: Change) -> dict[int, str]:
        """Of the entries that a change brought those that are not what was proposed."""
        if change.proposed is None or change.index is None or change.proposed.original is None:
            raise IntegrityError(f"change {entry.body.change!r} took effect, and was not proposed")
        kept = VaultReader(self._connection).original(self._log, change.index)
        if kept is None or b64(original_commitment(kept.salt, kept.value)) != change.proposed.original.commitment:
            raise IntegrityError(f"what change {entry.body.change!r} proposed is not what its entry commits to")
        lines, first = kept.value.splitlines(), entry.index + 1
        if len(lines) != entry.body.count:
            raise IntegrityError(f"change {entry.body.change!r} proposed {len(lines)} entries")
        found = {}
        brought = read_entries(self._connection, self._log, first, first + len(lines), self._kinds)
        for one, line in zip(brought, lines, strict=True):
            if line_of(one.body) != line:
                found[one.index] = f"it is not what change {entry.body.change!r} proposed"
        return found

    def _entry(self, index: int) -> Entry:
        return next(read_entries(self._connection, self._log, index, index + 1, self._kinds))


def _version(product: str) -> tuple[int, ...]:
    """The version of the product that a log was created by: `trailseal 0.2.0`."""
    numbers = product.rpartition(" ")[2].split(".")
    return tuple(int(one) for one in numbers if one.isdecimal())
