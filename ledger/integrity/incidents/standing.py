"""Which answers are unknown: those that rest on what an open incident case doubts.

A case is open until quality assurance has signed its closing. Until then an answer about an affected entry, and about
every batch that affected records are linked to, is *unknown*: neither that it holds, nor that it does not.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, select

from ledger.core.members import Members
from ledger.findings.incident_kinds import CaseEvent, IncidentCase
from ledger.findings.incident_tables import incident_case, log_epoch
from ledger.integrity.incidents.cases import Case, Cases
from ledger.integrity.incidents.epochs import read_epochs
from ledger.signing.sign_off import sign_off
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.question import Query

PENDING = frozenset({CaseEvent.REPORTED})
"""States in which one person alone said something: nothing is doubted yet."""


class Integrity(StrEnum):
    """What is said of an answer."""

    UNDOUBTED = "undoubted"
    """No open case doubts what it rests on."""
    UNKNOWN = "unknown"


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """An open case, and what it doubts."""

    case: str
    affected: dict[int, Members]
    links: frozenset[tuple[str, str]]
    every_link: bool


class Standing:
    """What is doubted in one snapshot; and `damaged`: entries that an epoch names as damaged for good."""

    def __init__(self, doubts: Iterable[Doubt] = (), damaged: Iterable[Doubt] = ()) -> None:
        self.doubts = tuple(doubts)
        self.damaged = tuple(damaged)

    @property
    def open_cases(self) -> tuple[str, ...]:
        """The cases that are open, the newest first."""
        return tuple(one.case for one in self.doubts)

    def of_entry(self, log: int, index: int) -> str | None:
        """The case that doubts an entry, or by which an epoch goes on without it; None where there is none."""
        named = (*self.doubts, *self.damaged)
        return next((one.case for one in named if index in one.affected.get(log, Members())), None)

    def preserved(self, log: int, index: int, links: Iterable[tuple[str, str]]) -> str | None:
        """The case for which an entry is evidence: one that is open and doubts it or something it is linked to (kind,
        id), or one by whose epoch it is damaged for good.
        """
        case, known = self.of_entry(log, index), tuple(links)
        for one in self.doubts if case is None and known else ():
            if log in one.affected and (one.every_link or not one.links.isdisjoint(known)):
                return one.case
        return case

    def of_link(self, log: int, kind: str | None, name: str | None) -> str | None:
        """The case that doubts what is said of a batch, a lot or the like; without a kind, of any of that name."""
        for one in self.doubts:
            if log in one.affected and (one.every_link or _linked(one.links, kind, name)):
                return one.case
        return None

    def of_log(self, log: int) -> str | None:
        """The case that doubts some entry of a log."""
        return next((one.case for one in self.doubts if log in one.affected), None)


def _linked(links: frozenset[tuple[str, str]], kind: str | None, name: str | None) -> bool:
    return any((kind is None or kind == known) and (name is None or name == ident) for known, ident in links)


def integrity(case: str | None) -> Integrity:
    """What is said of an answer that this case doubts, or that none does."""
    return Integrity.UNDOUBTED if case is None else Integrity.UNKNOWN


class Standings:
    """Reads what is doubted. Safe to use from any number of threads; what a case doubts is read once."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._doubts: dict[tuple[str, int], Doubt] = {}
        self._closed: set[tuple[str, int]] = set()

    def now(self, connection: Connection) -> Standing:
        """What is doubted in this snapshot; raises IntegrityError where the table of cases contradicts the log."""
        return Standing((self._doubt(connection, case) for case in self._open(connection)), self._damaged(connection))

    def open(self, connection: Connection) -> list[Case]:
        """The cases that are not closed, the newest first."""
        return [self._cases.read(connection, name) for name, _, _ in self._open(connection)]

    def closed(self, connection: Connection, case: Case) -> bool:
        """Whether quality assurance signed that a case is closed."""
        if case.state is not CaseEvent.CLOSING:
            return False
        system = next(log for log in read_logs(connection) if log.number == SYSTEM_LOG)
        return not sign_off(self._cases.store, connection, system, case.latest, case.last).open

    def _open(self, connection: Connection) -> list[tuple[str, int, int]]:
        row = incident_case.c
        states = [state.value for state in CaseEvent if state not in PENDING]
        query = (
            select(row.key, row.from_index, row.opened, row.state)
            .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.state.in_(states))
            .order_by(row.opened.desc())
        )
        found = []
        for name, latest, opened, state in connection.execute(query).all():
            if (name, latest) in self._closed:
                continue
            if state == CaseEvent.CLOSING.value and self.closed(connection, self._cases.read(connection, name)):
                self._closed.add((name, latest))
                continue
            found.append((name, latest, opened))
        return found

    def _damaged(self, connection: Connection) -> list[Doubt]:
        row = log_epoch.c
        if connection.scalar(select(row.pos).limit(1)) is None:
            return []
        logs = {log.number: log.origin for log in read_logs(connection)}
        numbers = {origin: number for number, origin in logs.items()}
        return [
            Doubt(
                case=one.epoch.case,
                affected={numbers[one.epoch.origin]: Members.of(sorted({place.index for place in one.epoch.damage}))},
                links=frozenset(),
                every_link=False,
            )
            for one in read_epochs(connection, self._cases.store.kinds, logs)
        ]

    def _doubt(self, connection: Connection, key: tuple[str, int, int]) -> Doubt:
        name, _, opened = key
        known = self._doubts.get((name, opened))
        if known is None:
            case = self._cases.read(connection, name)
            numbers = {log.origin: log.number for log in read_logs(connection)}
            known = self._doubts[name, opened] = _doubt(case.opened, case.affected(numbers))
        return known


def _doubt(opened: IncidentCase, affected: dict[int, Members]) -> Doubt:
    return Doubt(
        case=opened.case,
        affected=affected,
        links=frozenset((one.kind, one.id) for one in opened.links),
        every_link=opened.every_link,
    )


def doubted(standing: Standing, log: int, indices: Iterable[int]) -> str | None:
    """The case that doubts the first of these entries that is doubted; None where none is."""
    if standing.of_log(log) is None and not standing.damaged:
        return None
    return next((case for index in indices if (case := standing.of_entry(log, index)) is not None), None)


def answered(standing: Standing, log: int, query: Query, found: Iterable[int]) -> str | None:
    """The case that doubts the answer to a search: what it asks for, or one of the records found.

    A search that names no link may lack any of the log's records that are doubted.
    """
    asked: list[tuple[str | None, str | None]] = [(kind.value, id_) for kind, id_ in query.links]
    if query.link_kind is not None or query.link_id is not None:
        asked.append((None if query.link_kind is None else query.link_kind.value, query.link_id))
    if not asked:
        return standing.of_log(log)
    cases = (standing.of_link(log, kind, id_) for kind, id_ in asked)
    return next((case for case in cases if case is not None), None) or doubted(standing, log, found)
