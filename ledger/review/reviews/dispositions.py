"""Dispositions: what somebody who looked at the records of findings judges them to be."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from ledger.core.authority import Authority
from ledger.core.disposition import DISPOSITION, Disposition, Judgement
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import Conflict, IntegrityError, NotFound, SchemaViolation, SelfApproval
from ledger.findings.kinds import FINDING, RuleFinding
from ledger.findings.tables import rule_finding
from ledger.review.reviews import tables as t
from ledger.signing.performers import performers_of
from ledger.sources.parameters import Parameters
from ledger.sources.reasons import require_known, require_reason
from ledger.store.append import Batch, Transaction
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of
from ledger.store.store import Store
from ledger.trace.bodies import bodies

SHOWN: Final = 500
AT_ONCE: Final = 500


class NewDisposition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is judged: findings by their keys, what they are, why, and what it leads to."""

    findings: tuple[str, ...]
    judgement: Judgement
    reason: str
    case: str | None = None
    deviation: str | None = None
    capa: str | None = None


class Disposed(msgspec.Struct, frozen=True, kw_only=True):
    """A disposition by its entry: who gave it and when. `stands` are those of its findings of which no later one is."""

    entry: int
    at: str
    by: str
    stands: tuple[str, ...]
    disposition: Disposition


class Dispositions:
    """The dispositions of any log. Safe to use from any number of threads."""

    def __init__(self, store: Store, parameters: Parameters) -> None:
        self._store = store
        self._parameters = parameters

    def give(self, log: int, new: NewDisposition, authority: Authority) -> Disposed:
        """Judges findings that stand, durable once this returns.

        Raises AccessDenied unless somebody signed in, SelfApproval for who did what a finding rests on, NotFound for a
        finding that there is not, Conflict for one that was closed, SchemaViolation for a reason that says too little.
        """
        require_known(authority)
        keys = tuple(sorted(set(new.findings)))
        with self._store.reading() as connection:
            now_us = self._store.clock.now_us()
            reason = require_reason(connection, self._parameters, log, now_us, new.reason)
            require_others(connection, log, standing(connection, log, keys), authority.actor)
        body = valid(
            Disposition(
                findings=keys,
                judgement=new.judgement,
                reason=reason,
                authority=authority,
                case=new.case,
                deviation=new.deviation,
                capa=new.capa,
            )
        )

        def stand(transaction: Transaction) -> None:
            standing(transaction.connection, log, keys)

        index = self._store.append(log, Batch([draft(body)], before=stand))[0].index
        with self._store.reading() as connection:
            return _disposed(connection, log, [index], None)[0]

    def listed(
        self,
        log: int,
        finding: str | None = None,
        case: str | None = None,
        size: int | None = None,
        before: int | None = None,
        limit: int = SHOWN,
    ) -> list[Disposed]:
        """The dispositions as of a size, newest first: all that ever were of one finding, else those that stand."""
        row = t.disposition.c
        chosen = select(row.from_index).distinct().where(row.log == log)
        if finding is not None:
            chosen = chosen.where(row.key == finding)
            if size is not None:
                chosen = chosen.where(row.from_index < size)
        else:
            chosen = chosen.where(as_of(t.disposition, size))
        if case is not None:
            chosen = chosen.where(row.quality_case == case)
        if before is not None:
            chosen = chosen.where(row.from_index < before)
        with self._store.reading() as connection:
            entries = connection.scalars(chosen.order_by(row.from_index.desc()).limit(limit)).all()
            return _disposed(connection, log, entries, size)


def standing(connection: Connection, log: int, keys: Sequence[str]) -> list[RuleFinding]:
    """These findings, which stand; raises NotFound for one that there is not, Conflict for one that was closed."""
    found = {row.key: row for row in _rows(connection, log, keys)}
    for key in keys:
        if key not in found:
            raise NotFound(f"there is no finding {key!r}", advice="`trailseal rules findings` names their keys.")
        if not found[key].stands:
            raise Conflict(
                f"finding {key!r} was closed: what came later shows that there is nothing",
                advice="There is nothing to decide of it; leave it out.",
            )
    stored = LogReader(connection, log).chosen(found[key].from_index for key in keys)
    return [body_of(one, FINDING, RuleFinding) for one in stored]


def require_others(connection: Connection, log: int, findings: Iterable[RuleFinding], account: str) -> None:
    """Raises SelfApproval where a person of that account did what one of these findings rests on."""
    entries = sorted({entry for one in findings for entry in one.entries})
    if performers_of(connection, log, (body for _, body in bodies(connection, log, entries))).includes(account):
        raise SelfApproval(f"{account} did what is to be judged")


def require_of(entry: int, held: Iterable[str], findings: Collection[str]) -> None:
    """Raises IntegrityError where a table names an entry for a finding that the entry is not about."""
    if not set(findings).issuperset(held):
        raise IntegrityError(f"entry {entry} is about other findings than the tables say", advice="Verify the ledger.")


def valid(body: Disposition) -> Disposition:
    """The entry, if it can be one; raises SchemaViolation, naming the member that is wrong."""
    try:
        return msgspec.convert(msgspec.to_builtins(body), Disposition)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"disposition: {error}", advice="Correct what is named.") from None


def judged(connection: Connection, log: int, keys: Collection[str], size: int | None) -> dict[str, Disposed]:
    """How each of these findings was judged last, as of a size; those are not in it that nobody has judged."""
    latest: dict[str, int] = {}
    row, wanted = t.disposition.c, sorted(keys)
    for at in range(0, len(wanted), AT_ONCE):
        chosen = select(row.key, row.from_index).where(
            row.log == log, row.key.in_(wanted[at : at + AT_ONCE]), as_of(t.disposition, size)
        )
        latest.update((key, index) for key, index in connection.execute(chosen))
    entries = {one.entry: one for one in _disposed(connection, log, sorted({*latest.values()}), size)}
    return {key: entries[index] for key, index in latest.items()}


def _rows(connection: Connection, log: int, keys: Sequence[str]) -> Iterator[Row[Any, Any, Any]]:
    row = rule_finding.c
    for at in range(0, len(keys), AT_ONCE):
        yield from connection.execute(
            select(row.key, row.from_index, row.stands).where(
                row.log == log, row.key.in_(keys[at : at + AT_ONCE]), as_of(rule_finding, None)
            )
        )


def _disposed(connection: Connection, log: int, entries: Sequence[int], size: int | None) -> list[Disposed]:
    row = t.disposition.c
    held: dict[int, list[str]] = {entry: [] for entry in entries}
    for at in range(0, len(entries), AT_ONCE):
        chosen = select(row.key, row.from_index).where(
            row.log == log, row.from_index.in_(entries[at : at + AT_ONCE]), as_of(t.disposition, size)
        )
        for key, index in connection.execute(chosen):
            held[index].append(key)
    found = []
    for stored in LogReader(connection, log).chosen(entries):
        body = body_of(stored, DISPOSITION, Disposition)
        require_of(stored.index, held[stored.index], body.findings)
        found.append(
            Disposed(
                entry=stored.index,
                at=decode_leaf(stored.leaf).logged_at,
                by=body.authority.actor,
                stands=tuple(sorted(held[stored.index])),
                disposition=body,
            )
        )
    return found
