"""The way on after this machine's clock ran ahead and was set right: two people sign what the logs go back over."""

from collections.abc import Callable

from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, ClockOutOfBounds, Conflict, NotSignatory, SelfApproval
from ledger.core.hashing import b64
from ledger.core.key_history import Standing
from ledger.core.signature import KeyProof, Mode
from ledger.core.time_epoch import (
    Ahead,
    SignedBy,
    TimeEpochEntry,
    TimeEpochStatement,
    epoch_message,
    in_time,
)
from ledger.people.access import Scope
from ledger.people.credentials import read_entry
from ledger.people.kinds import GrantEntry, GrantState
from ledger.people.tables import access_grant
from ledger.signing.history import active, read_history, sealed_row
from ledger.signing.person_keys import PersonKeys
from ledger.store import schema
from ledger.store.append import CLOCK_BEHIND_REFUSED_US, Batch, Transaction
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.store import Store

MAY_SIGN = frozenset({Scope.APPROVE, Scope.ADMIN})
"""Scopes of which a signer's grant has one: quality assurance, and who answers for the system."""
ProvenTime = Callable[[], int | None]


class TimeEpochs:
    """Begins epochs of time. Safe to use from any number of threads; signing takes Argon2's time."""

    def __init__(self, store: Store, keys: PersonKeys, proven_time: ProvenTime) -> None:
        """`proven_time`: the latest that a witness or a time-stamp proves, never later than this machine's clock."""
        self._store = store
        self._keys = keys
        self._proven_time = proven_time

    def ahead(self) -> tuple[Ahead, ...]:
        """The logs whose last entry is so far ahead of this machine's clock that nothing is appended."""
        now, row = self._store.clock.now_us(), schema.head.c
        with self._store.reading() as connection:
            query = select(row.log, row.size, row.leaf_hash, row.logged_us)
            heads = {one.log: one for one in connection.execute(query)}
            return tuple(
                Ahead(
                    origin=log.origin,
                    size=heads[log.number].size,
                    leaf=b64(bytes(heads[log.number].leaf_hash)),
                    head_at=utc_text(heads[log.number].logged_us),
                )
                for log in read_logs(connection)
                if heads[log.number].logged_us - now > CLOCK_BEHIND_REFUSED_US
            )

    def statement(self, signers: tuple[str, ...], reason: str) -> TimeEpochStatement:
        """What two people are to sign now.

        Raises Conflict where no log ran ahead, SelfApproval for one person, ClockOutOfBounds where a witness or a
        time-stamp proves that this machine's clock is the wrong one.
        """
        if len(set(signers)) != 2:
            raise SelfApproval("two people sign it", advice="Name another person besides.")
        ahead = self.ahead()
        if not ahead:
            raise Conflict("no log is ahead of this machine's clock", advice="Entries are taken in: nothing is to do.")
        now, proven_us = self._store.clock.now_us(), self._proven_time()
        if proven_us is not None and proven_us >= now:
            raise ClockOutOfBounds(
                f"this machine's clock says {utc_text(now)}, and a witness or time-stamp proves that it is later",
                advice="Set the clock right: it is behind, and the log is not ahead.",
            )
        with self._store.reading() as connection:
            origin = next(log.origin for log in read_logs(connection) if log.number == SYSTEM_LOG)
        return TimeEpochStatement(
            origin=origin, goes_on_at=utc_text(now), logs=ahead, signers=tuple(signers), reason=reason
        )

    def sign(self, statement: TimeEpochStatement, account: str, secret: str) -> SignedBy:
        """A person's signature, by the key that their signing secret opens.

        Raises NotAuthenticated for another secret, NotSignatory for who has no such key, AccessDenied for who may not.
        """
        with self._store.reading() as connection:
            self._require_scope(connection, account)
            history = read_history(self._store, connection)
            keys = active(connection, history, account, Mode.SEALED_KEY)
            if not keys:
                raise NotSignatory(
                    f"{account} has no signing key that a secret opens and a checkpoint covers",
                    advice="Somebody who has one signs: quality assurance, or a security officer.",
                )
            key: Standing = keys[-1]
            _, kept = sealed_row(self._store, connection, key)
            address = history.address(key)
        # No count of attempts: it would be entries, and the log takes none; who asks here has the sealed key itself.
        signed = self._keys.sign(account, key.key, kept, secret, epoch_message(statement))
        proof = KeyProof(key_id=key.key.key_id, signature=b64(signed.signature))
        return SignedBy(account=account, key=address, proof=proof)

    def enter(
        self, statement: TimeEpochStatement, signatures: tuple[SignedBy, ...], authority: Authority
    ) -> tuple[str, ...]:
        """Enters it, and each log goes on; returns the addresses of its entries, the system log's first.

        Raises Conflict where a log went on meanwhile. Done once more it enters what an interruption left out.
        """
        entry = TimeEpochEntry(statement=statement, signatures=signatures, authority=authority)
        with self._store.reading() as connection:
            logs = {log.origin: log for log in read_logs(connection)}
        entered = []
        for origin in dict.fromkeys((statement.origin, *(one.origin for one in statement.logs))):
            named = next((one for one in statement.logs if one.origin == origin), None)
            batch = Batch([draft(entry)], before=_as_stated(statement, named))
            placed = self._store.append(logs[origin].number, batch)[0]
            entered.append(f"{origin}#{placed.index}")
        return tuple(entered)

    def _require_scope(self, connection: Connection, account: str) -> None:
        row = access_grant.c
        query = select(row.from_index).where(
            row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None)
        )  # fmt: skip
        for index in connection.scalars(query).all():
            body, _ = read_entry(self._store, connection, index, GrantEntry)
            if body.state is GrantState.GRANTED and MAY_SIGN & set(body.scopes):
                return
        raise AccessDenied(
            f"{account} may not sign this", advice="Quality assurance or a security officer signs it."
        )  # fmt: skip


def _as_stated(statement: TimeEpochStatement, named: Ahead | None) -> Callable[[Transaction], None]:
    def check(transaction: Transaction) -> None:
        if not in_time(statement, transaction.logged_us):
            raise Conflict("it was signed for another time", advice="Sign it once more, and enter it within the hour.")
        now = (transaction.next_index, b64(transaction.head.leaf_hash), utc_text(transaction.head.logged_us))
        if named is not None and now != (named.size, named.leaf, named.head_at):
            raise Conflict(f"log {named.origin} went on meanwhile", advice="Look at it again, and sign that.")

    return check
