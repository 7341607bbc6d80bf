"""What ends with an account: every grant of it and every session, in the very batch that ends it."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select

from ledger.core.authority import Authority
from ledger.core.entry import Draft, draft
from ledger.people import tables
from ledger.people.credentials import read_entry, read_grants
from ledger.people.kinds import GrantEntry, GrantState, SessionEntry, SessionEvent
from ledger.people.secrets import Destroyed, SecretRef
from ledger.store import schema
from ledger.store.append import Placed, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.store import Store


class Ends:
    """Entries that end rights, and the rows of the vault that go with them.

    Gathered in a batch's `before`, last of all that it checks; `close` is the batch's `closing`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._drafts: list[Draft] = []
        self._rows: list[tuple[int, str]] = []

    def grants(
        self,
        transaction: Transaction,
        account: str,
        reason: str,
        authority: Authority,
        training: str | None = None,
    ) -> None:
        """Every grant of an account, or those that rest on this training."""
        for grant, index in read_grants(self._store, transaction.connection, account):
            key = ("revoked", grant.grant)
            if transaction.scratch.get(key) or (training is not None and grant.training != training):
                continue
            transaction.scratch[key] = True
            self._add(draft(revoked(grant, index, reason, authority)), index, grant.secrets)

    def sessions(self, transaction: Transaction, account: str, reason: str, authority: Authority) -> None:
        """Every session of an account that did not end already in this group commit."""
        row = tables.browser_session.c
        indices = transaction.connection.scalars(
            select(row.from_index)
            .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.account == account)
            .where(row.event == SessionEvent.STARTED.value)
            .order_by(row.from_index)
        ).all()
        for index in indices:
            session, _ = read_entry(self._store, transaction.connection, index, SessionEntry)
            if session.account == account and self._kept(transaction, index, session.secrets):
                ended = SessionEntry(
                    session=session.session,
                    event=SessionEvent.ENDED,
                    account=account,
                    scopes=session.scopes,
                    reason=reason,
                    authority=authority,
                    destroys=_destroyed(index, session.secrets),
                )
                self._add(draft(ended), index, session.secrets)

    def close(self, transaction: Transaction, _placed: Sequence[Placed]) -> Sequence[Draft]:
        """Destroys the rows, and gives the entries."""
        column = schema.secret.c
        for pos, name in self._rows:
            transaction.connection.execute(delete(schema.secret).where(column.pos == pos, column.name == name))
        return self._drafts

    def _add(self, made: Draft, index: int, refs: Sequence[SecretRef]) -> None:
        self._drafts.append(made)
        self._rows += [(pos_of(SYSTEM_LOG, index), ref.name) for ref in refs]

    def _kept(self, transaction: Transaction, index: int, refs: Sequence[SecretRef]) -> bool:
        column = schema.secret.c
        names = select(column.name).where(column.pos == pos_of(SYSTEM_LOG, index))
        return {ref.name for ref in refs} <= set(transaction.connection.scalars(names))


def revoked(grant: GrantEntry, index: int, reason: str, authority: Authority) -> GrantEntry:
    """The entry that revokes a grant, whose entry is at `index`, and destroys what is kept of its token."""
    return msgspec.structs.replace(
        grant,
        state=GrantState.REVOKED,
        reason=reason,
        authority=authority,
        secrets=(),
        destroys=_destroyed(index, grant.secrets),
    )


def _destroyed(index: int, refs: Sequence[SecretRef]) -> tuple[Destroyed, ...]:
    return tuple(Destroyed(index=index, name=ref.name) for ref in refs)
