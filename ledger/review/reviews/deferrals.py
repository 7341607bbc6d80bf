"""Deferrals: findings that do not keep a batch's review open for a time, because an approver signed why."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.disposition import DEFERRAL, Deferral
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import NotCanonical, SchemaViolation
from ledger.core.looks import moment_us
from ledger.core.parameters import ParameterName, Risk
from ledger.findings.kinds import RuleFinding, Severity
from ledger.review.reviews import tables as t
from ledger.review.reviews.dispositions import AT_ONCE, require_of, require_others, standing
from ledger.signing.sign_off import SignOff, sign_off
from ledger.sources.parameters import Parameters
from ledger.sources.reasons import require_known, require_reason
from ledger.store.append import Batch, Transaction
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of
from ledger.store.store import Store
from ledger.trace.bodies import bodies

SHOWN: Final = 500


class NewDeferral(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be deferred, for which batch, until when (`utc_text`); what may go on, and why that is no risk."""

    findings: tuple[str, ...]
    batch: str
    scope: str
    risk: str
    expires_at: str
    product: str | None = None


class Deferred(msgspec.Struct, frozen=True, kw_only=True):
    """A deferral by its entry, as it is signed, and whether it is in force: signed, and not over yet.

    `stands` are those of its findings of which no later one is.
    """

    entry: int
    at: str
    by: str
    stands: tuple[str, ...]
    deferral: Deferral
    signed: SignOff
    in_force: bool


class Deferrals:
    """The deferrals of any log. Safe to use from any number of threads."""

    def __init__(self, store: Store, parameters: Parameters) -> None:
        self._store = store
        self._parameters = parameters

    def ask(self, log: LogId, new: NewDeferral, authority: Authority) -> Deferred:
        """Asks for a deferral, durable once this returns; it is in force once an approver has signed its entry.

        Raises AccessDenied unless somebody signed in, SelfApproval for who did what a finding rests on, NotFound,
        Conflict for a finding that was closed, and SchemaViolation for one that is critical or about data that directly
        decide a release, for an end that is not in the future, and for words that say too little.
        """
        require_known(authority)
        number, keys = log.number, tuple(sorted(set(new.findings)))
        now_us = self._store.clock.now_us()
        with self._store.reading() as connection:
            scope, risk = (
                require_reason(connection, self._parameters, number, now_us, text) for text in (new.scope, new.risk)
            )
            findings = standing(connection, number, keys)
            self._require_deferrable(connection, number, findings)
            require_others(connection, number, findings, authority.actor)
        body = _valid(
            Deferral(
                findings=keys,
                batch=new.batch,
                scope=scope,
                risk=risk,
                expires_at=new.expires_at,
                authority=authority,
                product=new.product,
            ),
            now_us,
        )

        def stand(transaction: Transaction) -> None:
            standing(transaction.connection, number, keys)

        index = self._store.append(number, Batch([draft(body)], before=stand))[0].index
        with self._store.reading() as connection:
            return _deferred(self._store, connection, log, [index], now_us)[0]

    def listed(
        self,
        log: LogId,
        batch: str | None = None,
        product: str | None = None,
        before: int | None = None,
        limit: int = SHOWN,
    ) -> list[Deferred]:
        """The deferrals that no later one took the place of, newest first: those over, or not signed yet, too."""
        row = t.deferral.c
        chosen = select(row.from_index).distinct().where(row.log == log.number, as_of(t.deferral, None))
        for column, wanted in ((row.batch, batch), (row.product, product)):
            chosen = chosen if wanted is None else chosen.where(column == wanted)
        chosen = chosen if before is None else chosen.where(row.from_index < before)
        with self._store.reading() as connection:
            entries = connection.scalars(chosen.order_by(row.from_index.desc()).limit(limit)).all()
            return _deferred(self._store, connection, log, entries, self._store.clock.now_us())

    def counted(self, log: LogId) -> Mapping[str | None, int]:
        """How many findings are deferred in force, by product (null: none was named)."""
        row = t.deferral.c
        now_us = self._store.clock.now_us()
        chosen = (
            select(row.from_index)
            .distinct()
            .where(row.log == log.number, as_of(t.deferral, None), row.expires_us > now_us)
        )
        with self._store.reading() as connection:
            entries = connection.scalars(chosen.order_by(row.from_index)).all()
            found = _deferred(self._store, connection, log, entries, now_us)
        counts = Counter[str | None]()
        for one in found:
            counts[one.deferral.product] += len(one.stands) if one.in_force else 0
        return {product: count for product, count in counts.items() if count}

    def _require_deferrable(self, connection: Connection, log: int, findings: Iterable[RuleFinding]) -> None:
        for one in findings:
            if one.severity is Severity.CRITICAL:
                raise SchemaViolation(
                    f"finding {one.key!r} of rule {one.rule} is critical: it cannot be deferred",
                    advice="Judge it, and close the deviation that it leads to.",
                )
            for index, body in bodies(connection, log, one.entries):
                record = body.record
                found = self._parameters.at(
                    connection, log, None, ParameterName.RISK, record.source, record.object.type, moment_us(body)
                )
                if found is not None and isinstance(found.value, Risk) and found.value.decides_release:
                    raise SchemaViolation(
                        f"finding {one.key!r} rests on entry {index}, which directly decides a release: it cannot be "
                        "deferred",
                        advice="Judge it, and close the deviation that it leads to.",
                    )


def in_force(
    store: Store, connection: Connection, log: LogId, keys: Collection[str], now_us: int, batch: str | None = None
) -> dict[str, Deferred]:
    """Those of these findings of which a signed deferral is not over yet, with that; `batch`: for that batch alone."""
    row, wanted = t.deferral.c, sorted(keys)
    latest: dict[str, int] = {}
    for at in range(0, len(wanted), AT_ONCE):
        chosen = select(row.key, row.from_index).where(
            row.log == log.number,
            row.key.in_(wanted[at : at + AT_ONCE]),
            row.expires_us > now_us,
            as_of(t.deferral, None),
        )
        chosen = chosen if batch is None else chosen.where(row.batch == batch)
        latest.update((key, index) for key, index in connection.execute(chosen))
    found = {one.entry: one for one in _deferred(store, connection, log, sorted({*latest.values()}), now_us)}
    return {key: found[index] for key, index in latest.items() if found[index].in_force}


def _deferred(store: Store, connection: Connection, log: LogId, entries: Sequence[int], now_us: int) -> list[Deferred]:
    row = t.deferral.c
    held: dict[int, list[str]] = {entry: [] for entry in entries}
    for at in range(0, len(entries), AT_ONCE):
        chosen = select(row.key, row.from_index).where(
            row.log == log.number, row.from_index.in_(entries[at : at + AT_ONCE]), as_of(t.deferral, None)
        )
        for key, index in connection.execute(chosen):
            held[index].append(key)
    made = []
    for stored in LogReader(connection, log.number).chosen(entries):
        body = body_of(stored, DEFERRAL, Deferral)
        require_of(stored.index, held[stored.index], body.findings)
        signed = sign_off(store, connection, log, stored.index, body)
        made.append(
            Deferred(
                entry=stored.index,
                at=decode_leaf(stored.leaf).logged_at,
                by=body.authority.actor,
                stands=tuple(sorted(held[stored.index])),
                deferral=body,
                signed=signed,
                in_force=not signed.open and now_us < parse_utc(body.expires_at),
            )
        )
    return made


def _valid(body: Deferral, now_us: int) -> Deferral:
    """The entry, if it can be one; raises SchemaViolation, naming what is wrong."""
    try:
        over = parse_utc(body.expires_at) <= now_us
    except NotCanonical as error:
        raise SchemaViolation(f"deferral: {error.message}", advice="Write 2026-01-31T08:00:00.000000Z.") from None
    if over:
        raise SchemaViolation("the deferral is over before it begins", advice="Give an end that is in the future.")
    try:
        return msgspec.convert(msgspec.to_builtins(body), Deferral)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"deferral: {error}", advice="Correct what is named.") from None
