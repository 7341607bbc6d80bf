"""One verification run over one log: the levels one after the other, with progress, from any point on."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import b64
from ledger.core.kinds import KindRegistry
from ledger.core.outside import NOTHING, FromOutside
from ledger.integrity import left_out
from ledger.integrity.authority import authority_fault
from ledger.integrity.edge import START, Edge, read_edge
from ledger.integrity.entries import Unreadable, read_entries
from ledger.integrity.fault import Fault, first
from ledger.integrity.fulltext import full_text_fault
from ledger.integrity.judged import judged_now, still_stands
from ledger.integrity.kinds import Judged
from ledger.integrity.level1 import head_fault
from ledger.integrity.level3 import CHECKS
from ledger.integrity.level4 import signatures_fault
from ledger.integrity.recounted import Recounts, nothing
from ledger.integrity.requests import requests_fault
from ledger.integrity.scope import Check, Keys, Scope
from ledger.integrity.since import Since
from ledger.integrity.tasks import Outcome, Reading, Task, spans
from ledger.integrity.vault import Secrets
from ledger.integrity.whole import projection_faults, read_heads, structure_faults
from ledger.store.logs import SYSTEM_LOG
from ledger.store.projections import Projections
from ledger.store.reading import HeadRow, LogReader
from ledger.trust.rollback import Standing

Progress = Callable[[int, int, int], None]
"""Told level, entries done and entries in all; raises to stop."""


class Runner(Protocol):
    """Does tasks, here or elsewhere (`integrity.tasks`)."""

    workers: int

    def run(self, tasks: Sequence[Task], pulse: Callable[[int], None]) -> Iterator[Outcome]: ...


class PastDamage(Protocol):
    """What epochs know of a log's damage (`integrity.incidents.epochs.Known`)."""

    @property
    def any(self) -> bool: ...
    @property
    def told(self) -> str: ...
    def remaining(self) -> Iterator[Fault]: ...
    def level_3(self, scope: Scope, checks: Sequence[Check]) -> Iterator[Fault | None]: ...


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is: to `size`, where the root was `root` (base64), `level` holds, and so do those below it."""

    level: int
    size: int
    root: str


class LevelFound(msgspec.Struct, frozen=True, kw_only=True):
    """What a level found; no fault means that it holds, unless `unknown` says why it could not be judged.

    `left_out`: what of it an incremental run skips.
    """

    level: int
    entries: int
    micros: int
    fault: Fault | None
    left_out: str = ""
    unknown: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found over the entries from `low` to before `size`; `judged`: how far, if level 3 holds."""

    low: int
    size: int
    root: str | None
    levels: tuple[LevelFound, ...]
    judged: Judged | None = None


class LogRun:
    """Verifies one log of a ledger, and what belongs to no log. One use each."""

    def __init__(
        self,
        reading: Reading,
        runner: Runner,
        kinds: KindRegistry,
        projections: Projections,
        log: LogId,
        keys: Callable[[Connection], Keys],
        rollback: Callable[[Connection, LogId, FromOutside], Standing] | None = None,
        known: Callable[[Connection, LogId], PastDamage] | None = None,
        outside: FromOutside = NOTHING,
        recount: Recounts = nothing,
    ) -> None:
        """`rollback` asks those outside how much of the log they have seen; without it level 5 cannot be judged.

        `known`: damage that the log goes on with, as an epoch names it. `outside`: keys and witnesses as whoever
        verifies knows them, in place of those that the ledger names, and cards.
        """
        self._reading = reading
        self._runner = runner
        self._kinds = kinds
        self._projections = projections
        self._log = log
        self._keys = keys
        self._rollback = rollback
        self._known = known
        self._outside = outside
        self._recount = recount
        self._unsaid = ""
        self._before: Judged | None = None

    def verify(
        self,
        levels: Iterable[int],
        start: Stand | None,
        reached: Stand | None,
        columns: bool,
        progress: Progress,
        save: Callable[[Stand], None],
        judged: Judged | None = None,
    ) -> Found:
        """Runs these levels. `start`: an earlier run that held (incremental); `reached`: where this run was stopped.

        `columns` adds the column check to level 1; a level 2 makes it needless. `judged`: how far an earlier run has
        judged level 3, for an incremental run, if it still stands.
        """
        wanted = sorted(set(levels))
        self._before = judged
        with self._reading() as connection:
            heads = read_heads(connection)
        head = heads.get(self._log.number)
        found: list[LevelFound] = []
        root: str | None = None
        until: Judged | None = None
        low = start.size if start is not None else 0
        size = head.size if head is not None else 0
        for level in wanted:
            begun = time.perf_counter()
            fault: Fault | None
            unknown = noted = ""
            if head is None:
                fault = self._headless()
            elif level == 1:
                fault, root = self._level1(head, start, reached, columns and 2 not in wanted, progress, save)
            elif level == 2:
                fault = self._level2(heads, low, size, reached, start is None, progress, save)
            elif level == 3:
                fault, until = self._level3(size, progress)
            elif level == 4:
                fault = self._level4(progress)
            else:
                fault, unknown, noted = self._level5(head)
            if fault is not None and head is not None and level < 4:
                fault, noted = self._past_damage(level, fault, start is None)
                root = b64(head.root()) if level == 1 and fault is None else root
            found.append(
                LevelFound(
                    level=level,
                    entries=size - low if level < 3 else 0,
                    micros=int((time.perf_counter() - begun) * 1e6),
                    fault=fault,
                    left_out="; ".join(filter(None, (self._noted(level, start is not None), noted))),
                    unknown=unknown,
                )
            )
            until = None if level == 3 and fault is not None else until
        return Found(low=low, size=size, root=root, levels=tuple(found), judged=until)

    def _noted(self, level: int, incremental: bool) -> str:
        """What a level did not look at, and what it has to say besides whether it holds."""
        if level not in (2, 3, 4):
            return ""
        with self._reading() as connection:
            if level == 2:
                return "; ".join(filter(None, (left_out.of_level_2(connection, self._log, incremental), self._unsaid)))
            skipped = left_out.of_level_3(self._before) if level == 3 else ""
            return "; ".join(filter(None, (left_out.in_doubt(connection, self._kinds, self._log, level), skipped)))

    def _headless(self) -> Fault:
        with self._reading() as connection:
            faults = list(structure_faults(connection, read_heads(connection)))
        missing = Fault(log=self._log.number, index=0, table="head", what="the log has no head")
        return next((fault for fault in faults if fault.log == self._log.number and fault.table == "head"), missing)

    def _level1(
        self,
        head: HeadRow,
        start: Stand | None,
        reached: Stand | None,
        columns: bool,
        progress: Progress,
        save: Callable[[Stand], None],
    ) -> tuple[Fault | None, str | None]:
        edge = START
        for stand in (reached, start):
            if stand is not None and stand.size <= head.size:
                try:
                    edge = self._edge(stand)
                    break
                except LedgerError as error:
                    return self._fault(max(0, stand.size - 1), "tile", error.message), None
        fault, edge = self._chain(edge, head.size, columns, progress, save)
        if fault is None:
            fault = head_fault(self._log.number, head, edge)
        with self._reading() as connection:
            fault = first([fault, *structure_faults(connection, read_heads(connection))])
        return fault, b64(edge.frontier().root()) if fault is None else None

    def _edge(self, stand: Stand) -> Edge:
        with self._reading() as connection:
            edge = read_edge(connection, self._log.number, stand.size)
        if b64(edge.frontier().root()) != stand.root:
            raise IntegrityError(f"the root at size {stand.size} is not the one that was verified before")
        return edge

    def _chain(
        self, edge: Edge, size: int, columns: bool, progress: Progress, save: Callable[[Stand], None]
    ) -> tuple[Fault | None, Edge]:
        tasks = spans(1, self._log.number, edge.size, size, columns, self._runner.workers)
        for outcome in self._outcomes(tasks, edge.size, size, progress):
            span = outcome.span
            assert span is not None
            if span.before != edge and outcome.fault is None:
                return self._fault(max(0, edge.size - 1), "leaf", "two spans of the chain do not join"), edge
            if outcome.fault is not None:
                return outcome.fault, edge
            edge = span.after
            save(Stand(level=1, size=edge.size, root=b64(edge.frontier().root())))
        return None, edge

    def _level2(
        self,
        heads: dict[int, HeadRow],
        low: int,
        size: int,
        reached: Stand | None,
        full: bool,
        progress: Progress,
        save: Callable[[Stand], None],
    ) -> Fault | None:
        found: list[Fault | None] = []
        begin = max(low, reached.size) if reached is not None and reached.level == 2 else low
        tasks = spans(2, self._log.number, begin, size, False, self._runner.workers)
        for outcome in self._outcomes(tasks, begin, size, progress):
            if outcome.fault is not None:
                found.append(outcome.fault)
                break
            save(Stand(level=2, size=outcome.task.high, root=self._root(outcome.task.high)))
        with self._reading() as connection:
            try:
                found += self._beyond_spans(connection, begin, size, full, lambda _: progress(2, size, size))
                if first(found) is None:  # what tables say is looked at only once they are known to be right
                    found.append(self._recounted(connection, low, size, lambda _: progress(2, size, size)))
            except Unreadable as error:
                found.append(self._fault(error.index, "body", error.message))
            except LedgerError as error:
                found.append(self._fault(0, "head", error.message))
        return first(found)

    def _beyond_spans(
        self, connection: Connection, low: int, size: int, full: bool, pulse: Callable[[int], None]
    ) -> Iterator[Fault | None]:
        """What of level 2 is not a span's: rows of no entry, authority, secrets, full text."""
        heads = read_heads(connection)
        yield from projection_faults(connection, heads, self._kinds, self._projections.read_live(connection))
        yield authority_fault(connection, self._log.number, low, size, self._kinds, pulse)
        if self._log.number == SYSTEM_LOG:
            yield self._secrets(connection, heads[SYSTEM_LOG].size)
        elif full:
            yield full_text_fault(connection, "record", pulse)

    def _recounted(self, connection: Connection, low: int, size: int, pulse: Callable[[int], None]) -> Fault | None:
        fault, self._unsaid = self._recount(connection, self._log, low, size, pulse)
        return fault

    def _root(self, size: int) -> str:
        with self._reading() as connection:
            try:
                return b64(LogReader(connection, self._log.number).root(size))
            except LedgerError:
                return ""  # level 1 says what is wrong with the tiles; this run is then not gone on with from here

    def _secrets(self, connection: Connection, size: int) -> Fault | None:
        secrets = Secrets(connection)
        for entry in read_entries(connection, SYSTEM_LOG, 0, size, self._kinds):
            secrets.enter(entry)
        return secrets.finish()

    def _level3(self, size: int, progress: Progress) -> tuple[Fault | None, Judged | None]:
        """The first fault, and how far was judged, should what an epoch names be all of it."""
        until: Judged | None = None
        with self._reading() as connection:
            try:
                scope = self._scope(connection, lambda done: progress(3, done, 0))
                until = judged_now(connection, self._log.number, size, scope.keys, self._before)
                return first(check(scope) for check in CHECKS), until
            except Unreadable as error:
                return self._fault(error.index, "body", error.message), until
            except LedgerError as error:
                return self._fault(0, "leaf", error.message), until

    def _scope(self, connection: Connection, pulse: Callable[[int], None]) -> Scope:
        """What level 3 is given; it goes on from where an earlier run stood only if that still stands."""
        keys = self._keys(connection)
        if self._before is not None and not still_stands(connection, self._log.number, self._before, keys):
            self._before = None
        return Scope(
            connection=connection,
            log=self._log,
            kinds=self._kinds,
            keys=keys,
            pulse=pulse,
            outside=self._outside,
            since=None if self._before is None else Since(connection, self._kinds, self._before),
        )

    def _level4(self, progress: Progress) -> Fault | None:
        """Signatures and workflows stand in the system log, and are verified with it; in another log there are none."""
        if self._log.number != SYSTEM_LOG:
            return None
        with self._reading() as connection:
            try:
                checks = (signatures_fault, requests_fault)
                return first(check(connection, self._kinds, lambda done: progress(4, done, 0)) for check in checks)
            except Unreadable as error:
                return self._fault(error.index, "body", error.message)
            except LedgerError as error:
                return self._fault(0, "leaf", error.message)

    def _level5(self, head: HeadRow) -> tuple[Fault | None, str, str]:
        """What is wrong, why it cannot be said, and up to where only it holds."""
        if self._rollback is None:
            return None, "nobody outside the ledger was asked", ""
        with self._reading() as connection:
            standing = self._rollback(connection, self._log, self._outside)
        if standing.fault:
            return self._fault(max(0, head.size - 1), "head", standing.fault), "", ""
        return None, standing.unknown, standing.open

    def _past_damage(self, level: int, fault: Fault, full: bool) -> tuple[Fault | None, str]:
        """The first fault that no epoch names, and what the epochs name, if there is no other."""
        if self._known is None:
            return fault, ""
        with self._reading() as connection:
            try:
                known = self._known(connection, self._log)
                if not known.any:
                    return fault, ""
                found = list(self._unnamed(connection, level, known, full))
            except LedgerError as error:
                return self._fault(fault.index, fault.table, f"{fault.what}; {error.message}"), ""
        rest = first(found)
        return rest, known.told if rest is None else ""

    def _unnamed(self, connection: Connection, level: int, known: PastDamage, full: bool) -> Iterator[Fault | None]:
        """All that a level looks at, but for the damage that an epoch names."""
        heads = read_heads(connection)
        if level == 3:
            yield from known.level_3(self._scope(connection, lambda _: None), CHECKS)
            return
        yield from known.remaining()
        if level == 1:
            yield from structure_faults(connection, heads)
            return
        yield from projection_faults(connection, heads, self._kinds, self._projections.read_live(connection))
        if self._log.number == SYSTEM_LOG:
            # Whose rights allowed anything is decided from all of this log: no damage of it can be passed over.
            yield authority_fault(connection, SYSTEM_LOG, 0, heads[SYSTEM_LOG].size, self._kinds, lambda _: None)
            yield self._secrets(connection, heads[SYSTEM_LOG].size)
        elif full:
            yield full_text_fault(connection, "record", lambda _: None)
        yield self._recounted(connection, 0, heads[self._log.number].size, lambda _: None)

    def _outcomes(self, tasks: Sequence[Task], low: int, size: int, progress: Progress) -> Iterator[Outcome]:
        done = low

        def pulse(entries: int) -> None:
            nonlocal done
            done += entries
            progress(tasks[0].level, done, size)

        return self._runner.run(tasks, pulse)

    def _fault(self, index: int, table: str, what: str) -> Fault:
        return Fault(log=self._log.number, index=index, table=table, what=what)
