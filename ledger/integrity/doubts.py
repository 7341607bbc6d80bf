"""Keys that may have been in other hands, and how what they signed stands: a note of verification, never a failure.

Of the ledger's own keys their key events say so; of people's keys and of agents the incident cases that two people
opened. Owners repudiate what they do not stand by in a key event of their own.
"""

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, select

from ledger.agents.kinds import Delivery
from ledger.agents.tables import agent_batch
from ledger.core.address import Address, LogId, parse_address
from ledger.core.binding import KeyBindingEntry
from ledger.core.clock import parse_utc, utc_text
from ledger.core.doubt import Doubt, Judged, Standing, judge
from ledger.core.errors import LedgerError
from ledger.core.key_events import KeyEvent, KeyEventSort, KeyPurpose
from ledger.core.kinds import KindRegistry, kind_of
from ledger.core.signature import SignatureEntry
from ledger.findings.incident_kinds import CaseEvent, Cause, IncidentCase
from ledger.findings.incident_tables import incident_case
from ledger.signing.tables import key_binding, signature
from ledger.sources.kinds import CollectionRun
from ledger.store import checkpoints
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of, log_of, pos_of
from ledger.store.reading import LogReader
from ledger.trust.dated import dated_by
from ledger.trust.key_history import read_log_keys, stored_body
from ledger.trust.tables import key_event

_PACKAGE = "package-issued"
_COUNTED = 2000
"""Entries of a key in doubt that a note of verification dates one by one; of more it says that there are more."""


class Doubts:
    """What is said of keys in one snapshot, in the whole ledger; the latest word on a key counts."""

    def __init__(self, connection: Connection, kinds: KindRegistry) -> None:
        self._connection = connection
        self._kinds = kinds
        self._logs = {log.number: log for log in read_logs(connection)}
        self._doubts: dict[tuple[str, str], Doubt] = {}
        self._repudiated: dict[str, str] = {}
        self._read_events()
        self._read_cases()

    def __bool__(self) -> bool:
        return bool(self._doubts or self._repudiated)

    def all(self) -> tuple[Doubt, ...]:
        """Every key in doubt."""
        return tuple(self._doubts.values())

    def of_entry(self, log: LogId, index: int, body: msgspec.Struct | None) -> tuple[Judged, ...]:
        """How an entry stands, by each key in doubt that it rests on; nothing where there is none."""
        if not self:
            return ()
        dated = dated_by(self._connection, self._kinds, log)
        found = []
        for sort, key in self._keys_of(log, index, body):
            judged = judge(index, self._doubts.get((sort, key)), self._repudiated.get(key), dated)
            if judged is not None:
                found.append(judged)
        return tuple(found)

    def notes(self, log: LogId, level: int) -> Iterator[str]:
        """What levels 3 and 4 say of keys in doubt, besides whether they hold."""
        if level == 3:
            for doubt in self._doubts.values():
                if parse_address(doubt.said).origin == log.origin and doubt.meaning:
                    yield f"{doubt.what} may have been in other hands from {utc_text(doubt.since_us)} on ({doubt.said})"
        elif level == 4 and log.number == SYSTEM_LOG:
            keys = [key for sort, key in self._doubts if sort == KeyPurpose.PERSON.value]
            for key in dict.fromkeys((*keys, *self._repudiated)):
                yield self._signatures(log, key)

    def _signatures(self, log: LogId, key: str) -> str:
        row = signature.c
        made = self._connection.scalars(
            select(row.pos).where(row.binding.in_(self._bindings(key))).order_by(row.pos).limit(_COUNTED + 1)
        ).all()
        dated = dated_by(self._connection, self._kinds, log)
        count = dict.fromkeys(Standing, 0)
        for pos in made[:_COUNTED]:
            found = judge(
                index_of(pos), self._doubts.get((KeyPurpose.PERSON.value, key)), self._repudiated.get(key), dated
            )
            assert found is not None
            count[found.standing] += 1
        told = ", ".join(f"{number} {standing.value}" for standing, number in count.items() if number) or "none"
        more = "; there are more" if len(made) > _COUNTED else ""
        return f"signatures by the key {key}, which is in doubt or repudiated: {told}{more}"

    def _bindings(self, key: str) -> list[str]:
        row = key_binding.c
        at = self._connection.scalars(select(row.from_index).where(row.log == SYSTEM_LOG, row.key == key)).all()
        return [str(Address(self._logs[SYSTEM_LOG].origin, index)) for index in at]

    def _keys_of(self, log: LogId, index: int, body: msgspec.Struct | None) -> Iterator[tuple[str, str]]:
        """The keys that an entry rests on: of its signer, its agent, its package's seal, and of its checkpoint."""
        if isinstance(body, SignatureEntry) and body.statement.binding is not None:
            bound = self._body(SYSTEM_LOG, parse_address(body.statement.binding).index)
            if isinstance(bound, KeyBindingEntry):
                yield KeyPurpose.PERSON.value, bound.binding
        elif isinstance(body, Delivery):
            yield Cause.AGENT.value, body.header.agent
        elif body is not None and kind_of(type(body)) == _PACKAGE:
            yield from self._report_keys(str(getattr(body, "origin", "")), int(getattr(body, "size", 0)))
        elif isinstance(body, CollectionRun):
            row = agent_batch.c
            of_log = row.pos >= pos_of(log.number, 0), row.pos < pos_of(log.number + 1, 0)
            agent = self._connection.scalar(select(row.agent).where(row.run == index, *of_log).limit(1))
            if agent is not None:
                yield Cause.AGENT.value, agent
        covering = checkpoints.covering(self._connection, log.number, index)
        if covering is not None:
            try:
                keys = read_log_keys(self._connection, self._kinds, log.number, covering.size).at(covering.size)
            except LedgerError:
                return  # level 3 says what is wrong with them
            if keys:
                yield KeyPurpose.LOG.value, keys[0].vkey

    def _report_keys(self, origin: str, size: int) -> Iterator[tuple[str, str]]:
        number = next((one.number for one in self._logs.values() if one.origin == origin), None)
        if number is None:
            return
        row = key_event.c
        made = select(row.key).where(
            row.purpose == KeyPurpose.REPORT.value,
            row.event == KeyEventSort.CREATED.value,
            row.pos >= pos_of(number, 0),
            row.pos < pos_of(number, size),
        )
        key = self._connection.scalar(made.order_by(row.pos.desc()).limit(1))
        if key is not None:
            yield KeyPurpose.REPORT.value, key

    def _read_events(self) -> None:
        row = key_event.c
        sorts = (KeyEventSort.COMPROMISE_CONFIRMED.value, KeyEventSort.REPUDIATED.value)
        for pos in self._connection.scalars(select(row.pos).where(row.event.in_(sorts)).order_by(row.pos)).all():
            number, index = log_of(pos), index_of(pos)
            event = self._body(number, index)
            if not isinstance(event, KeyEvent):
                continue
            address = str(Address(self._logs[number].origin, index))
            if event.event is KeyEventSort.REPUDIATED:
                self._repudiated[event.key] = address
            elif event.compromise is not None:
                self._doubts[event.purpose.value, event.key] = Doubt(
                    key=event.key,
                    what=f"the {event.purpose.value} key {event.key}",
                    since_us=parse_utc(event.compromise.doubtful_from),
                    said=address,
                    meaning=event.compromise.meaning,
                )

    def _read_cases(self) -> None:
        row = incident_case.c
        query = select(row.opened).where(row.log == SYSTEM_LOG, row.to_index.is_(None))
        sorts = {Cause.KEY: KeyPurpose.PERSON.value, Cause.AGENT: Cause.AGENT.value}
        names = {Cause.KEY: "a person's key", Cause.AGENT: "agent"}
        for index in self._connection.scalars(query.where(row.state != CaseEvent.REPORTED.value)).all():
            case = self._body(SYSTEM_LOG, index)
            if isinstance(case, IncidentCase) and case.cause in sorts and case.subject and case.since:
                self._doubts[sorts[case.cause], case.subject] = Doubt(
                    key=case.subject,
                    what=f"{names[case.cause]} {case.subject}",
                    since_us=parse_utc(case.since),
                    said=str(Address(self._logs[SYSTEM_LOG].origin, index)),
                )

    def _body(self, log: int, index: int) -> msgspec.Struct | None:
        try:
            return stored_body(LogReader(self._connection, log), self._kinds, index)
        except LedgerError:
            return None  # levels 1 and 2 say what is wrong with it
