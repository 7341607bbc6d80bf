"""Enters configuration: at once until two persons hold roles, by change request and second signature from then on."""

from collections.abc import Sequence

import msgspec

from ledger.changes.proposing import Proposals, Proposed
from ledger.changes.registry import require_possible
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.change import MAX_LINES
from ledger.core.entry import Draft, draft
from ledger.core.errors import ChangeRequestRequired, SchemaViolation
from ledger.people.administration import started
from ledger.sources.changing import following
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.store import Store


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration that holds from here on: its entries, in the order in which they were given."""

    entries: tuple[int, ...]


class Configuration:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, proposals: Proposals) -> None:
        self._store = store
        self._proposals = proposals

    def enter(
        self,
        log: LogId,
        bodies: Sequence[msgspec.Struct],
        reason: str,
        authority: Authority,
        request: str | None = None,
    ) -> Entered | Proposed:
        """Enters these bodies, all or none, or proposes them, if a change request is named; durable once it returns.

        Raises SchemaViolation for what cannot be entered, ChangeRequestRequired once two persons hold roles, and as
        `Proposals.propose`.
        """
        if request is not None:
            return self._proposals.propose(log, bodies, request, reason, authority)
        if len(bodies) > MAX_LINES:
            raise SchemaViolation(
                f"{len(bodies)} entries go in together, all or none", advice=f"Split them: {MAX_LINES} at once."
            )
        drafts = [draft(self._proposals.checked(log, body)) for body in bodies]

        def check(transaction: Transaction) -> None:
            if started(self._store, transaction):
                raise ChangeRequestRequired("configuration is changed by change request and a second signature")
            connection = transaction.connection
            require_possible(self._store, connection, log.number, bodies, transaction.logged_us)

        def follow(transaction: Transaction, _: Sequence[Placed]) -> Sequence[Draft]:
            return [draft(one) for one in following(transaction.connection, log.number, bodies, authority)]

        placed = self._store.append(log.number, Batch(drafts, closing=follow, before=check))
        return Entered(entries=tuple(one.index for one in placed[: len(drafts)]))
