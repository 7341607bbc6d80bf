"""Brings changes into effect: what was proposed is entered, once a second person has signed exactly that.

All of it is judged again under the head lock, and entered in one transaction with the entry that says by which
signature. An attempt without what that takes changes nothing, and stands in the log.
"""

import contextlib
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection

from ledger.changes.proposing import Proposals, decide, event_of, pending, require_waiting
from ledger.changes.reading import Key, Standing, bodies_of, keys_of, lines_of, read_standing, since
from ledger.changes.registry import checked, require_possible
from ledger.core.address import Address, LogId, parse_address
from ledger.core.authority import Authority
from ledger.core.change import ChangeEvent, unsigned
from ledger.core.entry import Draft, draft
from ledger.core.errors import AccessDenied, Conflict, IntegrityError, LedgerError, SchemaViolation
from ledger.core.signature import SignatureEntry
from ledger.people.administration import in_force
from ledger.people.changeable import approvers_of
from ledger.people.credentials import read_entry, read_grants
from ledger.signing.targets import signatures_over
from ledger.sources.changing import following
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.store import Store

ACTOR = "service:changes"
_ITSELF = Authority(actor=ACTOR, authenticated=False)
_BY_ITSELF = "signed by a second person"


class Overtaken(Conflict):
    """What a change says has been said otherwise since it was proposed: its signer saw another state."""


class Effects:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, proposals: Proposals, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is told of each change in effect, once it is durable: rights depend on how roles are defined."""
        self._store = store
        self._proposals = proposals
        self._changed = changed

    def bring(self, log: LogId, change: str, signature: str, reason: str, authority: Authority) -> int:
        """Enters what a change proposes, by the second person's signature at this address; returns the index of the
        entry that says so: the change's own entries are those right after it.

        Raises NotFound, AccessDenied where the signature does not approve it, Conflict where it is decided already or
        was overtaken. Of who is known, an attempt that fails is an entry too.
        """
        with self._store.reading() as connection:
            standing = read_standing(self._store, connection, log, change)
            lines = lines_of(connection, standing)
        bodies = [checked(log.number, body) for body in bodies_of(self._store.kinds, lines, authority)]
        effective = event_of(standing.proposal, ChangeEvent.EFFECTIVE, reason, authority, signature)

        def check(transaction: Transaction) -> None:
            self._judge(transaction, log, change, signature, bodies)

        def follow(transaction: Transaction, _: Sequence[Placed]) -> Sequence[Draft]:
            # Not by who brings it about: that takes no right to configure.
            return [draft(one) for one in following(transaction.connection, log.number, bodies, _ITSELF)]

        batch = Batch([draft(effective), *map(draft, bodies)], closing=follow, before=check)
        try:
            index = self._store.append(log.number, batch)[0].index
        except LedgerError as error:
            if authority.authenticated and standing.waits and isinstance(error, AccessDenied | Conflict):
                self._refuse(log, standing, error.message, authority)
            raise
        self._changed()
        return index

    def approving(self, connection: Connection, standing: Standing) -> str | None:
        """The address of a signature by which a change can take effect; None while there is none."""
        for index in signatures_over(connection, standing.log.origin, standing.index):
            address = str(Address(_system(connection).origin, index))
            try:
                self._require_approved(connection, standing, address)
            except AccessDenied:
                continue
            return address
        return None

    def work(self) -> bool:
        """Brings about all that is signed, and withdraws what was overtaken; whether there was any."""
        found = False
        with self._store.reading() as connection:
            logs = read_logs(connection)
            waiting = [(one, self.approving(connection, one)) for one in pending(self._proposals, logs)]
        for standing, signature in waiting:
            if signature is None:
                continue
            found, name = True, standing.proposal.change
            try:
                self.bring(standing.log, name, signature, _BY_ITSELF, _ITSELF)
            except Overtaken as error:
                self._proposals.withdraw(standing.log, name, error.message, _ITSELF)
            except (AccessDenied, Conflict):
                continue  # it was decided, or the signer's right ended, meanwhile
        return found

    def _judge(
        self, transaction: Transaction, log: LogId, change: str, signature: str, bodies: Sequence[msgspec.Struct]
    ) -> None:
        """Under the head lock: raises for what does not hold, or no longer."""
        connection = transaction.connection
        standing = read_standing(self._store, connection, log, change)
        require_waiting(standing, transaction)
        self._require_approved(connection, standing, signature)
        live = self._store.projections.read_live(connection)
        keys = [key for body in bodies for key in keys_of(live, log.number, body)]
        newer = since(connection, log.number, keys, standing.index)
        told: set[Key] = transaction.scratch.setdefault("changed", set())
        if newer is not None or not told.isdisjoint(keys):
            by = "a change beside it" if newer is None else f"entry {newer[1]}"
            raise Overtaken(
                f"change {change!r} was overtaken: {by} says otherwise since it was proposed",
                advice="Look at what holds now, and propose anew.",
            )
        try:
            require_possible(self._store, connection, log.number, bodies, transaction.logged_us)
        except (SchemaViolation, Conflict) as error:
            raise Overtaken(f"change {change!r} was overtaken: {error.message}", advice=error.advice) from None
        decide(transaction, change)
        told.update(keys)

    def _require_approved(self, connection: Connection, standing: Standing, signature: str) -> None:
        address = parse_address(signature)
        if address.origin != _system(connection).origin:
            raise AccessDenied(f"{signature} is no signature of this ledger", advice="Name a system log's entry.")
        try:
            entry, _ = read_entry(self._store, connection, address.index, SignatureEntry)
        except IntegrityError:
            raise AccessDenied(f"{signature} is no signature", advice="Have the proposal signed first.") from None
        roles = approvers_of(standing.proposal.kinds)
        wrong = unsigned(
            entry.statement, standing.proposal, standing.log.origin, standing.index, standing.leaf, roles
        ) or self._right_over(connection, standing.log, entry)
        if wrong:
            raise AccessDenied(
                f"change {standing.proposal.change!r} does not take effect: {wrong}",
                advice="Have a second person sign the proposal, who approves.",
            )

    def _right_over(self, connection: Connection, log: LogId, entry: SignatureEntry) -> str:
        """Why the signer may not approve there any more; empty if they may."""
        said, now = entry.statement.signer, self._store.clock.now_us()
        for grant, _ in read_grants(self._store, connection, said.account):
            here = not grant.sites or log.number == SYSTEM_LOG or log.name in grant.sites
            if grant.role == said.role and here and in_force(grant, now):
                return ""
        return f"{said.account} is no {said.role} there any more"

    def _refuse(self, log: LogId, standing: Standing, why: str, authority: Authority) -> None:
        entry = event_of(standing.proposal, ChangeEvent.REFUSED, why, authority)

        def check(transaction: Transaction) -> None:
            now = read_standing(self._store, transaction.connection, log, standing.proposal.change)
            require_waiting(now, transaction)

        with contextlib.suppress(Conflict):  # decided meanwhile: what was tried is without meaning
            self._store.append(log.number, Batch([draft(entry)], before=check))


def _system(connection: Connection) -> LogId:
    return next(log for log in read_logs(connection) if log.number == SYSTEM_LOG)
