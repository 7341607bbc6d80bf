"""Searching for a person takes a purpose, and each such search is an entry before its answer is given."""

import secrets
from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.digests import Digests
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import Conflict, NotFound, PurposeRequired, SchemaViolation
from ledger.core.hashing import b64, sealed_commitment
from ledger.core.record import ContentDigest, Sealed
from ledger.core.sealing import seal_value
from ledger.people.credentials import current, read_entry
from ledger.people.evaluations import EvaluationId, require_on
from ledger.privacy import tables
from ledger.privacy.look_up_kinds import Basis, LookUpEntry, LookUpEvent, Purpose
from ledger.privacy.persons import Asked, asked
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of
from ledger.store.question import Query
from ledger.store.reading import LogReader, VaultReader
from ledger.store.store import Store

MINUTE_US: Final = 60_000_000
LONGEST_MINUTES: Final = 8 * 60
"""How long a purpose stays open at most: a working day."""
MAX_SHOWN: Final = 500

_DOMAIN: Final = b"trailseal/person/v1\n"


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """A search for persons that may be answered, once it is entered."""

    asked: Asked
    purpose: Purpose
    session: str | None


class LookUp(msgspec.Struct, frozen=True, kw_only=True):
    """Who searched for whom: `persons` as they were typed, null where that was erased."""

    index: int
    at: str
    account: str
    purpose: Purpose
    log: str | None
    by: tuple[Basis, ...]
    persons: tuple[str, ...] | None
    count: int
    session: str | None


class OpenPurpose(msgspec.Struct, frozen=True, kw_only=True):
    """A purpose that is open for an account: until then it is not asked again."""

    session: str
    index: int
    purpose: Purpose
    context: str
    expires_at: str


class LookUps:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, digests: Callable[[], Digests]) -> None:
        self._store = store
        self._digests = digests

    def allow(
        self,
        connection: Connection,
        log: int,
        query: Query,
        account: str,
        purpose: Purpose | None,
        person: str | None = None,
    ) -> Allowed | None:
        """What a search needs to have entered before it is answered; None: it is for no person.

        Raises PurposeRequired for one that is, where no purpose is given and the account has none open.
        """
        wanted = asked(self._store, connection, log, query, person)
        if wanted is None:
            return None
        if purpose is not None:
            return Allowed(asked=wanted, purpose=purpose, session=None)
        found = self._open(connection, account)
        if found is None:
            raise PurposeRequired(
                f"this searches for a person, by {' and '.join(wanted.by)}",
                advice=f"Say what for: {', '.join(Purpose)}. The search is entered, with its purpose.",
            )
        return Allowed(asked=wanted, purpose=found.purpose, session=found.session)

    def enter(self, allowed: Allowed, log: str, count: int, account: str, authority: Authority) -> int:
        """Enters a search, durable once this returns; only then its answer may be given. Returns the entry's index."""
        sealed, item = seal_value("person", "\n".join(allowed.asked.persons), 0)
        entry = LookUpEntry(
            event=LookUpEvent.SEARCHED,
            account=account,
            purpose=allowed.purpose,
            authority=authority,
            log=log,
            by=allowed.asked.by,
            person=sealed,
            person_digests=tuple(self._digest(person) for person in allowed.asked.persons),
            count=count,
            session=allowed.session,
        )
        return self._store.append_one(SYSTEM_LOG, draft(entry, (item,))).index

    def open(self, account: str, purpose: Purpose, context: str, minutes: int, authority: Authority) -> OpenPurpose:
        """Opens a purpose for an account: inside this review, investigation or inspection it is asked once.

        Raises SchemaViolation for a longer time than a working day, or none.
        """
        if not 0 < minutes <= LONGEST_MINUTES:
            raise SchemaViolation(f"a purpose stays open for 1 to {LONGEST_MINUTES} minutes, not {minutes}")
        entry = LookUpEntry(
            event=LookUpEvent.OPENED,
            account=account,
            purpose=purpose,
            authority=authority,
            session=secrets.token_hex(8),
            context=context,
            expires_at=utc_text(self._store.clock.now_us() + minutes * MINUTE_US),
        )
        return _opened(entry, self._store.append_one(SYSTEM_LOG, draft(entry)).index)

    def close(self, account: str, session: str, authority: Authority) -> int:
        """Closes an account's own open purpose; returns the entry's index. Raises NotFound, or Conflict if it is."""
        gone = NotFound(f"{account} has no open purpose {session!r}")
        with self._store.reading() as connection:
            index = current(connection, tables.purpose_session, session)
            if index is None:
                raise gone
            begun, _ = read_entry(self._store, connection, index, LookUpEntry)
        if begun.account != account:
            raise gone

        def check(transaction: Transaction) -> None:
            key = ("purpose", session)
            if transaction.scratch.get(key) or current(transaction.connection, tables.purpose_session, session) is None:
                raise Conflict(f"purpose {session!r} is closed already")
            transaction.scratch[key] = True

        entry = msgspec.structs.replace(begun, event=LookUpEvent.CLOSED, authority=authority)
        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index

    def opened(self, account: str) -> OpenPurpose | None:
        """The purpose that is open for an account, if there is one; the last where there are several."""
        with self._store.reading() as connection:
            return self._open(connection, account)

    def report(self, account: str | None = None, person: str | None = None, limit: int = MAX_SHOWN) -> list[LookUp]:
        """Who looked for whom, the newest first; by this account, for this person (as typed, whatever its case).

        Raises NotFound where the site has that evaluation off.
        """
        row, for_whom = tables.look_up.c, tables.looked_for.c
        found = select(row.pos).order_by(row.pos.desc()).limit(limit)
        if account is not None:
            found = found.where(row.account == account)
        if person is not None:
            digests = [b64(one) for one in self._digests().every(_DOMAIN + person.casefold().encode())]
            found = found.where(row.pos.in_(select(for_whom.pos).where(for_whom.digest.in_(digests))))
        with self._store.reading() as connection:
            require_on(connection, EvaluationId.LOOK_UP_REPORT)
            reader = LogReader(connection, SYSTEM_LOG)
            return [self._shown(connection, reader, index_of(pos)) for pos in connection.scalars(found)]

    def _shown(self, connection: Connection, reader: LogReader, index: int) -> LookUp:
        body, _ = read_entry(self._store, connection, index, LookUpEntry)
        typed = None if body.person is None else read_sealed(connection, index, body.person)
        return LookUp(
            index=index,
            at=decode_leaf(reader.entry(index).leaf).logged_at,
            account=body.account,
            purpose=body.purpose,
            log=body.log,
            by=body.by,
            persons=None if typed is None else tuple(typed.split("\n")),
            count=body.count or 0,
            session=body.session,
        )

    def _open(self, connection: Connection, account: str) -> OpenPurpose | None:
        row = tables.purpose_session.c
        index = connection.scalar(
            select(row.from_index)
            .where(row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None))
            .where(row.expires_us > self._store.clock.now_us())
            .order_by(row.from_index.desc())
            .limit(1)
        )
        if index is None:
            return None
        body, _ = read_entry(self._store, connection, index, LookUpEntry)
        return _opened(body, index)

    def _digest(self, person: str) -> ContentDigest:
        digests = self._digests()
        return ContentDigest(key=digests.key, hmac=b64(digests(_DOMAIN + person.encode())))


def read_sealed(connection: Connection, index: int, value: Sealed) -> str | None:
    """A sealed text of a system log entry; None where it is no longer there, or is not the one committed to."""
    for kept in VaultReader(connection).sealed(SYSTEM_LOG, index):
        if len(kept.salt) == 32 and b64(sealed_commitment(kept.salt, kept.value)) == value.sealed:
            return str(msgspec.json.decode(kept.value))
    return None


def _opened(entry: LookUpEntry, index: int) -> OpenPurpose:
    return OpenPurpose(
        session=entry.session or "",
        index=index,
        purpose=entry.purpose,
        context=entry.context or "",
        expires_at=entry.expires_at or "",
    )
