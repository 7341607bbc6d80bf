"""A source, an agent, a person's key or a log that cannot be trusted since some moment: a case, from that moment on.

One person reports it, and another, of quality assurance, opens the case; then all that came from there since, and what
rests on it, is unknown.
"""

import secrets
from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, select

from ledger.agents.tables import agent_batch
from ledger.core.address import Address, LogId
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SelfApproval
from ledger.core.members import Members, Spans
from ledger.findings.incident_kinds import CaseEvent, Cause, IncidentCase
from ledger.findings.incident_tables import incident_case
from ledger.integrity.incidents.cases import Case, Cases
from ledger.people.credentials import current
from ledger.signing.tables import key_binding, signature
from ledger.sources.kinds import CollectionRun
from ledger.sources.tables import collection_run, quarantine
from ledger.store import schema
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader


class Compromises:
    """Reports of compromise. Safe to use from any number of threads."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._store = cases.store

    def report(self, cause: Cause, subject: str, since: str, reason: str, authority: Authority) -> Case:
        """Says that a source, agent or key (`subject`) is doubtful since a moment (`utc_text`); nothing is doubted yet.

        Of a log `subject` is its origin.

        Raises NotFound where nothing ever came from there.
        """
        moment = parse_utc(since)
        with self._store.reading() as connection:
            if not any(_from(connection, cause, subject, log, 0) for log in read_logs(connection)):
                raise NotFound(f"nothing came from {cause.value} {subject!r}", advice="Check its id.")
        name = f"{utc_text(self._store.clock.now_us())[:10]}-{secrets.token_hex(4)}"
        body = IncidentCase(
            case=name,
            event=CaseEvent.REPORTED,
            cause=cause,
            subject=subject,
            since=utc_text(moment),
            reason=reason,
            authority=authority,
        )
        self._store.append_one(SYSTEM_LOG, draft(body))
        return self._cases.get(name)

    def open(self, case: str, reason: str, authority: Authority) -> Case:
        """The second person: from here on what came from there is unknown. Evidence is kept first.

        Raises SelfApproval for who reported it, AccessDenied for who is not authenticated, Conflict for a case that was
        opened before.
        """
        found = self._cases.get(case)
        said = found.last
        if found.state is not CaseEvent.REPORTED or said.cause is None or said.since is None or said.subject is None:
            raise Conflict(f"case {case} is {found.state.value}, not reported")
        if not authority.authenticated:
            raise AccessDenied("a case is opened by somebody who signed in", advice="Open it on the pages or by API.")
        if said.authority.actor == authority.actor:
            raise SelfApproval(f"{authority.actor} reported it", advice="Somebody else has to open the case.")
        with self._store.reading() as connection:
            affected = {}
            for log in read_logs(connection):
                first = index_since(LogReader(connection, log.number), parse_utc(said.since))
                members = _from(connection, said.cause, said.subject, log, first)
                if members:
                    affected[log.number] = members
            body = msgspec.structs.replace(said, event=CaseEvent.OPENED, reason=reason, authority=authority)
            kept = self._cases.keep(connection, body, affected)

        def check(transaction: Transaction) -> None:
            if current(transaction.connection, incident_case, case) != found.latest:
                raise Conflict(f"case {case} was opened meanwhile")

        self._store.append(SYSTEM_LOG, Batch([draft(kept)], before=check))
        return self._cases.get(case)


def index_since(reader: LogReader, moment_us: int) -> int:
    """The first entry that was logged at that moment or later; entries are in the order of their times."""
    low, high = 0, reader.head().size
    while low < high:
        middle = (low + high) // 2
        if parse_utc(decode_leaf(reader.entry(middle).leaf).logged_at) < moment_us:
            low = middle + 1
        else:
            high = middle
    return low


def _from(connection: Connection, cause: Cause, subject: str, log: LogId, first: int) -> Members:
    """The entries of a log, from one on, that came from a source or an agent, were signed by a key, or all of it."""
    found = Spans()
    for low, high in _spans(connection, cause, subject, log, first):
        if high >= first:
            found.add(max(low, first), high)
    return found.members()


def _spans(connection: Connection, cause: Cause, subject: str, log: LogId, first: int) -> Iterator[tuple[int, int]]:
    span = pos_of(log.number, first), pos_of(log.number + 1, 0)
    size = LogReader(connection, log.number).head().size
    if cause is Cause.LOG and log.origin == subject and size > first:
        yield first, size - 1
    if cause is Cause.SOURCE:
        for table in (schema.record, collection_run, quarantine):
            row = table.c
            query = select(row.pos).where(row.source == subject, row.pos >= span[0], row.pos < span[1])
            for pos in connection.scalars(query):
                yield index_of(pos), index_of(pos)
    elif cause is Cause.AGENT:
        of = agent_batch.c
        delivered = select(of.pos, of.run).where(of.agent == subject, of.pos >= span[0], of.pos < span[1])
        for pos, run in connection.execute(delivered).all():
            yield index_of(pos), index_of(pos)
            yield run, run
            yield from _records(connection, log, run)
    elif cause is Cause.KEY and log.number == SYSTEM_LOG:
        key = key_binding.c
        indices = connection.scalars(select(key.from_index).where(key.log == SYSTEM_LOG, key.key == subject)).all()
        bindings = [str(Address(log.origin, index)) for index in indices]
        made = select(signature.c.pos).where(signature.c.binding.in_(bindings), signature.c.pos >= span[0])
        for pos in connection.scalars(made):
            yield index_of(pos), index_of(pos)


def _records(connection: Connection, log: LogId, run: int) -> Iterator[tuple[int, int]]:
    """The records of a collection run, and what it quarantined."""
    body = next(LogReader(connection, log.number).entries(run, run + 1), None)
    if body is None or body.body is None:
        return
    decoded = msgspec.json.decode(body.body, type=CollectionRun)
    if decoded.first is not None and decoded.records:
        yield decoded.first, decoded.first + decoded.records - 1
    for index in decoded.quarantined:
        yield index, index
