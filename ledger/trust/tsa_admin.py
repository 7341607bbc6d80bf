"""Which authorities of time the site asks: proposed by one administrator, confirmed by another, withdrawn by any."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, select

from ledger.core.admission import AdmissionEvent
from ledger.core.authority import Authority
from ledger.core.chain import certificate_of
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation, SignatureInvalid
from ledger.core.kinds import KindRegistry
from ledger.core.passkey import b64url
from ledger.core.timestamp_entries import EVERY_S, TimestampAuthorityEntry, Tsa
from ledger.core.timestamps import pins_of
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store
from ledger.trust.timestamp_reading import newest, read_tsas
from ledger.trust.timestamp_tables import time_stamp_try

RequireAdmin = Callable[[Store, Transaction, Authority], None]
"""Raises AccessDenied for who may not change this."""

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_CHANGED: Final = "timestamp-authorities"
LEAST_S, MOST_S = 60, 7 * 86_400


class KnownTsa(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp authority as people see it; `state`: `proposed`, `confirmed` or `withdrawn`.

    `failing_since`, `error`: what its last answers lacked; null and empty while they are good. `last`: the moment that
    its last time-stamp here names.
    """

    tsa: str
    url: str
    state: AdmissionEvent
    policy: str | None
    every_seconds: int
    roots: tuple[str, ...]
    valid_to: str
    proposer: str
    confirmer: str | None
    proposed: int
    confirmed: int | None
    withdrawn: int | None
    last: str | None
    failing_since: str | None
    error: str


class TsaAdmin:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, require_admin: RequireAdmin) -> None:
        self._store = store
        self._require_admin = require_admin

    def all(self) -> list[KnownTsa]:
        """Every authority there is or was, in the order of the proposals."""
        with self._store.reading() as connection:
            return known_tsas(self._store.kinds, connection)

    def propose(
        self,
        tsa: str,
        url: str,
        certificates: tuple[bytes, ...],
        reason: str,
        authority: Authority,
        policy: str | None = None,
        every_seconds: int = EVERY_S,
    ) -> KnownTsa:
        """Proposes an authority; a second administrator has yet to confirm it.

        `certificates` (DER): its root, and what else is to be pinned. Raises SchemaViolation for a name, an address,
        certificates, a policy or a schedule that cannot be one; Conflict where there is one of that name.
        """
        _require_words(reason)
        if not _NAME.fullmatch(tsa):
            raise SchemaViolation(f"{tsa!r} cannot name an authority", advice="Use lower case letters, digits, - and .")
        found = urlsplit(url)
        if found.scheme not in ("http", "https") or not found.hostname or found.username is not None:
            raise SchemaViolation(f"{url!r} is no address of an authority", advice="Write http://… or https://….")
        if not LEAST_S <= every_seconds <= MOST_S:
            raise SchemaViolation(
                f"an authority is not asked every {every_seconds} s", advice=f"From {LEAST_S} to {MOST_S} seconds."
            )
        try:
            pins_of(certificates, policy)
        except SignatureInvalid as error:
            raise SchemaViolation(error.message, advice="Bring certificates in PEM or DER.") from None
        entry = TimestampAuthorityEntry(
            tsa=tsa,
            event=AdmissionEvent.PROPOSED,
            reason=reason,
            authority=authority,
            url=url,
            certificates=tuple(map(b64url, certificates)),
            policy=policy,
            every_seconds=every_seconds,
        )

        def possible(last: Tsa | None) -> None:
            if last is not None and last.withdrawn is None:
                raise Conflict(f"there is a time-stamp authority {tsa!r} already", advice="Withdraw it first.")

        return self._enter(entry, possible)

    def confirm(self, tsa: str, reason: str, authority: Authority) -> KnownTsa:
        """A second administrator says so too: from here on it is asked.

        Raises NotFound, Conflict, and AccessDenied for who proposed it.
        """

        def possible(last: Tsa | None) -> None:
            if last is None or last.withdrawn is not None:
                raise NotFound(f"no time-stamp authority {tsa!r} is proposed")
            if last.confirmed is not None:
                raise Conflict(f"the time-stamp authority {tsa!r} is asked already")
            if not last.may_confirm(authority):
                raise AccessDenied(
                    "a time-stamp authority is confirmed by a second administrator who is signed in",
                    advice="Ask another security officer.",
                )

        return self._enter(_about(tsa, AdmissionEvent.CONFIRMED, reason, authority), possible)

    def withdraw(self, tsa: str, reason: str, authority: Authority) -> KnownTsa:
        """From here on it is not asked; what it said before stays said. Raises NotFound."""

        def possible(last: Tsa | None) -> None:
            if last is None or last.withdrawn is not None:
                raise NotFound(f"there is no time-stamp authority {tsa!r}")

        return self._enter(_about(tsa, AdmissionEvent.WITHDRAWN, reason, authority), possible)

    def _enter(self, entry: TimestampAuthorityEntry, possible: Callable[[Tsa | None], None]) -> KnownTsa:
        def check(transaction: Transaction) -> None:
            self._require_admin(self._store, transaction, entry.authority)
            if transaction.scratch.get(_CHANGED):
                raise Conflict("the time-stamp authorities were changed at the same moment", advice="Try again.")
            possible(read_tsas(self._store.kinds, transaction.connection).last(entry.tsa))
            transaction.scratch[_CHANGED] = True

        self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        return next(one for one in reversed(self.all()) if one.tsa == entry.tsa)


def known_tsas(kinds: KindRegistry, connection: Connection) -> list[KnownTsa]:
    """Every authority there is or was, in the order of the proposals."""
    return [_known(connection, one) for one in read_tsas(kinds, connection).all()]


def _about(tsa: str, event: AdmissionEvent, reason: str, authority: Authority) -> TimestampAuthorityEntry:
    _require_words(reason)
    return TimestampAuthorityEntry(tsa=tsa, event=event, reason=reason, authority=authority)


def _require_words(reason: str) -> None:
    if not reason.strip():
        raise SchemaViolation("the reason has to be said in words")


def _known(connection: Connection, tsa: Tsa) -> KnownTsa:
    found = [certificate_of(one) for one in tsa.certificates]
    roots = [certificate_of(one).subject.rfc4514_string() for one in tsa.pins.roots]
    row = time_stamp_try.c
    tried = connection.execute(select(row.failing_us, row.error).where(row.tsa == tsa.tsa)).one_or_none()
    failing = None if tried is None or tsa.withdrawn is not None else tried.failing_us
    last = newest(connection, 1, tsa=tsa.tsa, after=tsa.proposed)
    return KnownTsa(
        tsa=tsa.tsa,
        url=tsa.url,
        state=tsa.state,
        policy=tsa.policy,
        every_seconds=tsa.every_seconds,
        roots=tuple(roots),
        valid_to=f"{min(one.not_valid_after_utc for one in found):%Y-%m-%d}",
        proposer=tsa.proposer,
        confirmer=tsa.confirmer,
        proposed=tsa.proposed,
        confirmed=tsa.confirmed,
        withdrawn=tsa.withdrawn,
        last=utc_text(last[0].gen_us) if last else None,
        failing_since=None if failing is None else utc_text(failing),
        error="" if failing is None or tried is None else tried.error,
    )
