"""Integrity incidents: each opened once for each damage, with what was there kept first, and every step an entry.

The order is always: keep the bytes (outside of the database, durable), then enter. Nothing is repaired in place: a case
goes on by a restore that verifies, or by an epoch that names the damage (`way_back`), and is closed by a signature.
"""

import json
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import structlog
from sqlalchemy import URL, Connection, select
from sqlalchemy.exc import DBAPIError

from ledger.core import canonical
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import Conflict, LedgerError, NotFound
from ledger.core.hashing import b64, unb64
from ledger.core.members import Members
from ledger.core.note import parse_note
from ledger.findings.impact import Affected, Impact, Reading
from ledger.findings.incident_kinds import CaseEvent, CaseFault, Cause, Entries, IncidentCase, LastProven
from ledger.findings.incident_tables import incident_case
from ledger.integrity.fault import Fault
from ledger.integrity.incidents.damage import BINDING, WHOLE, Damage, Signed, damage_of
from ledger.integrity.incidents.epochs import Began, Known, read_epochs
from ledger.integrity.incidents.evidence import kept_files, preserve, write_case
from ledger.integrity.incidents.impacts import Page, counted, impact_of, linked, page_of
from ledger.integrity.level1 import Pulse
from ledger.integrity.level3 import read_bindings
from ledger.integrity.scope import Keys
from ledger.people.credentials import current, read_entry
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.store import Store
from ledger.trust.files import write_durably
from ledger.trust.kept import Kept

SERVICE: Final = Authority(actor="service:incidents", authenticated=False)
"""On whose authority a case is that verification or the signer opened."""
MOST_FAULTS: Final = 200
"""Faults that a case names one by one; `affected` has all that they touch."""
IMPACT = "impact.jsonl"
UNRESOLVED: Final = frozenset({CaseEvent.OPENED, CaseEvent.COMPARED, CaseEvent.PROPOSED})
"""States in which a damage waits for its way back: the same damage opens no other case."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case: its last event, and the entries of the system log that opened it and say how it stands."""

    case: str
    state: CaseEvent
    opening: int
    latest: int
    opened: IncidentCase
    last: IncidentCase
    opened_us: int

    def affected(self, numbers: Mapping[str, int]) -> dict[int, Members]:
        """The affected entries by the number of their log; `numbers` are by origin."""
        return {numbers[one.origin]: Members.read(one.runs) for one in self.opened.affected if one.origin in numbers}


class Cases:
    """The cases of one ledger. Safe to use from any number of threads."""

    def __init__(
        self,
        store: Store,
        kept: Kept,
        signed: Path,
        keys: Callable[[Connection], Keys],
        impacts: Sequence[Impact],
    ) -> None:
        """`kept`: the folder outside of the database; `signed`: that of the signer's own state; `keys`: the logs'."""
        self.store = store
        self.folder = kept.folder / "incidents"
        self._kept = kept
        self.impacts = tuple(impacts)
        self._signed = signed
        self._keys = keys
        self._log = structlog.get_logger("ledger.integrity.incidents")

    def all(self) -> list[Case]:
        """Every case, the newest first."""
        row = incident_case.c
        with self.store.reading() as connection:
            query = select(row.key).where(row.log == SYSTEM_LOG, row.to_index.is_(None)).order_by(row.opened.desc())
            return [self.read(connection, key) for key in connection.scalars(query).all()]

    def get(self, case: str) -> Case:
        """A case; raises NotFound."""
        with self.store.reading() as connection:
            return self.read(connection, case)

    def read(self, connection: Connection, case: str) -> Case:
        """A case as its entries state it in this snapshot; raises NotFound."""
        latest = current(connection, incident_case, case)
        if latest is None:
            raise NotFound(f"there is no case {case!r}", advice="`trailseal incident list` names all of them.")
        last, _ = read_entry(self.store, connection, latest, IncidentCase)
        opening = latest if last.opening is None else last.opening
        opened, opened_us = read_entry(self.store, connection, opening, IncidentCase)
        return Case(
            case=case,
            state=last.event,
            opening=opening,
            latest=latest,
            opened=opened,
            last=last,
            opened_us=opened_us,
        )

    def faulty(
        self,
        faults: Iterable[Fault],
        pulse: Pulse = lambda _: None,
        cause: Cause = Cause.VERIFICATION,
        what: str = "",
    ) -> str | None:
        """Opens a case for faults that no case is open for; returns its id, durable, or None if all are known.

        Everything else that does not hold of the same logs is looked for, and belongs to the case. Raises what keeps
        the case from being entered; its folder is there then all the same.
        """
        with self.store.reading() as connection:
            logs = {log.number: log for log in read_logs(connection)}
            named = [fault for fault in faults if fault.log in logs]
            if not self._new(connection, logs, named):
                return None
            # An entry that vouches for another log and is not borne out tells of that one.
            numbers = logs if any(one.table == BINDING for one in named) else {one.log for one in named}
            damages = [self._damage(connection, logs[number], named, pulse) for number in sorted(numbers)]
            affected = {one.log: one.affected for one in damages if one.affected}
            affected = affected or {one.log: Members.of((one.index,)) for one in named[:1]}
            body = IncidentCase(
                case=self._name(affected),
                event=CaseEvent.OPENED,
                cause=cause,
                reason=what or str(named[0]),
                faults=tuple(_fault(logs, one) for damage in damages for one in damage.faults)[:MOST_FAULTS],
                proven=tuple(
                    _proven(logs[one.log], one, self.signed(logs[one.log])) for one in damages if one.log in affected
                ),
                authority=SERVICE,
            )
            kept = self.keep(connection, body, affected)

        def check(transaction: Transaction) -> None:
            if not self._new(transaction.connection, logs, named):
                raise Conflict("a case was opened for it meanwhile")

        try:
            self.store.append(SYSTEM_LOG, Batch([draft(kept)], before=check))
        except Conflict:
            # The other case's folder holds the same; one that no case names would be taken for a lost case's.
            shutil.rmtree(self.folder / kept.case)
            return None
        return kept.case

    def refused(self, what: str) -> str | None:
        """Opens a case where the signer refused a log; returns its id, or None if one is open for that, or it was not
        a log's fault.
        """
        try:
            return self._refused(what)
        except (LedgerError, DBAPIError, OSError) as error:
            # Whoever was refused is told why the log is not signed, whether or not the case could be entered.
            self._log.error("no incident case was entered", error=str(error), refused=what)
            return None

    def _refused(self, what: str) -> str | None:
        with self.store.reading() as connection:
            if any(case.opened.cause is Cause.PUBLISHER for case in self._unresolved(connection)):
                return None
            faults = [
                Fault(log=log.number, index=damage.affected.first, table="head", column="signed", what=what)
                for log in read_logs(connection)
                for damage in (self.damage(connection, log),)
                if damage.lost or damage.rewritten is not None
            ]
        return self.faulty(faults, cause=Cause.PUBLISHER, what=what) if faults else None

    def keep(self, connection: Connection, body: IncidentCase, affected: Affected) -> IncidentCase:
        """Keeps what stands there now in the case's folder; returns the body with evidence, impact and links."""
        logs = {log.number: log for log in read_logs(connection)}
        folder = self.folder / body.case
        states = [self._state(log) for log in logs.values()]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        preserve(folder, connection, affected, self._url(), states)
        reading = Reading(connection, self.store.kinds, {number: log.origin for number, log in logs.items()})
        artefacts = list(impact_of(self.impacts, reading, affected))
        write_durably(folder / IMPACT, b"".join(canonical.encode_struct(one) + b"\n" for one in artefacts))
        links, every = linked(artefacts)
        body = msgspec.structs.replace(
            body,
            affected=tuple(
                Entries(origin=logs[number].origin, runs=members.text) for number, members in affected.items()
            ),
            evidence=kept_files(folder),
            impact=counted(artefacts),
            links=links,
            every_link=every,
        )
        write_case(folder, body)
        return body

    def impact(self, case: Case, seen: Collection[str], after: int = 0, limit: int = 100) -> Page:
        """What rests on what a case doubts, as of now, in the logs with these origins; a page at a time."""
        with self.store.reading() as connection:
            origins = {log.number: log.origin for log in read_logs(connection)}
            numbers = {origin: number for number, origin in origins.items() if origin in seen}
            reading = Reading(connection, self.store.kinds, origins)
            found = impact_of(self.impacts, reading, case.affected(numbers))
            return page_of(found, after, limit)

    def signed(self, log: LogId) -> Signed | None:
        """What the signer signed last, by its own state; None where it has none."""
        try:
            said = json.loads(self._state(log).read_bytes())
            return Signed(size=int(said["size"]), root=unb64(said["root"], 32))
        except (OSError, ValueError, KeyError, LedgerError):
            return None

    def known(self, connection: Connection, log: LogId, extra: Sequence[Began] = ()) -> Known:
        """What the epochs know of a log's damage in this snapshot; `extra`: one that is only wanted yet."""
        origins = {one.number: one.origin for one in read_logs(connection)}
        epochs = [*read_epochs(connection, self.store.kinds, origins), *extra]
        return Known(connection, log, epochs, lambda: self.damage(connection, log))

    def last_proven(self, log: LogId, damage: Damage) -> LastProven:
        """The last checkpoint of a log that holds."""
        return _proven(log, damage, self.signed(log))

    def damage(self, connection: Connection, log: LogId) -> Damage:
        """Everything that does not hold of a log now."""
        return self._damage(connection, log, ())

    def _damage(
        self, connection: Connection, log: LogId, known: Sequence[Fault], pulse: Pulse = lambda _: None
    ) -> Damage:
        try:
            keys = self._keys(connection).get(log.origin, ())
        except LedgerError:
            keys = ()  # its entry 0 cannot be read: no checkpoint is proven
        live = self.store.projections.read_live(connection)
        outside = (self.signed(log), self.cosigned(log), self._bound(connection, log))
        signed = [one for one in outside if one is not None]
        return damage_of(connection, log, keys, signed, self.store.kinds, live, known, pulse)

    def cosigned(self, log: LogId) -> Signed | None:
        """The newest checkpoint that is kept with its cosignatures outside of the database."""
        try:
            note = self._kept.latest(log.name)
            found = None if note is None else Checkpoint.parse(parse_note(note).text)
        except (LedgerError, OSError):
            return None
        return None if found is None else Signed(size=found.size, root=found.root)

    def _bound(self, connection: Connection, log: LogId) -> Signed | None:
        """The last checkpoint of a log that another log holds; None where there is none that can be read."""
        last: Signed | None = None
        try:
            for number, _, bound in read_bindings(connection, self.store.kinds):
                if number != log.number and bound.origin == log.origin and (last is None or bound.size > last.size):
                    last = Signed(size=bound.size, root=unb64(bound.root, 32))
        except LedgerError:
            return last
        return last

    def _new(self, connection: Connection, logs: Mapping[int, LogId], faults: Sequence[Fault]) -> bool:
        """Whether one of these faults is at an entry that no unresolved case names."""
        numbers = {log.origin: log.number for log in logs.values()}
        known = [
            case.affected(numbers)
            for case in self._unresolved(connection)
            if case.opened.cause in (Cause.VERIFICATION, Cause.PUBLISHER)
        ]
        return any(not any(_names(one, fault) for one in known) for fault in faults)

    def _unresolved(self, connection: Connection) -> list[Case]:
        row = incident_case.c
        states = [state.value for state in UNRESOLVED]
        query = select(row.key).where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.state.in_(states))
        found = []
        for key in connection.scalars(query).all():
            try:
                found.append(self.read(connection, key))
            except LedgerError:
                continue  # the table of cases was altered: a row that no entry bears out hides no fault
        return found

    def _name(self, affected: Affected) -> str:
        now = self.store.clock.now_us()
        told = json.dumps([now, *((log, members.text) for log, members in affected.items())])
        return f"{utc_text(now)[:10]}-{sha256(told.encode()).hexdigest()[:8]}"

    def _state(self, log: LogId) -> Path:
        return self._signed / f"{log.name}.signed"

    def _url(self) -> URL:
        return self.store.readers.url


def _fault(logs: Mapping[int, LogId], fault: Fault) -> CaseFault:
    # SQLAlchemy's names are a kind of str that no encoder takes.
    table, column = str(fault.table), str(fault.column)
    return CaseFault(origin=logs[fault.log].origin, index=fault.index, table=table, column=column, what=fault.what)


def _names(affected: Mapping[int, Members], fault: Fault) -> bool:
    """Whether a case with these affected entries is of that fault; one of a log as a whole names no entry."""
    members = affected.get(fault.log, Members())
    if fault.table == BINDING:
        return bool(affected)
    if (fault.table, fault.column) == WHOLE:
        return bool(members) and members.last >= fault.index
    return fault.index in members


def _proven(log: LogId, damage: Damage, signed: Signed | None) -> LastProven:
    size, root = damage.witnessed or (damage.proven, damage.root)
    basis = "witnesses" if damage.witnessed is not None else "signer"
    return LastProven(
        origin=log.origin,
        size=size,
        basis=basis if size else "nothing",
        root=None if root is None else b64(root),
        signed=None if signed is None else signed.size,
    )
