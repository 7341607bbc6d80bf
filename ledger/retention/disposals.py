"""Disposal of records whose retention is over: asked for, approved by a second person, done after a waiting period.

Each part of it goes in one transaction with the entry that says so, after a fresh look at retention and holds under the
head's lock: no role and no race disposes of what is held, still to be kept, or evidence in an open incident.
"""

import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import Conflict, LedgerError, NotFound, SchemaViolation
from ledger.jobs.frame import Context
from ledger.retention import tables
from ledger.retention.copies import Copies, remaining, require_day
from ledger.retention.disposal_kinds import LEAST_DAYS, Copy, DisposalEntry, DisposalEvent, items_of
from ledger.retention.entries import history, require_person
from ledger.retention.fresh import look, require_open
from ledger.retention.judging import Incidents, Judge, Judged
from ledger.retention.planning import Plan, parts_of, plan
from ledger.retention.report import Disposal, Rest, report
from ledger.retention.scrubbing import Step, empty_log, scrub
from ledger.store import schema
from ledger.store.append import Batch, Transaction
from ledger.store.disposed import Doomed, remove
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.store.store import Store

WAITS_DAYS: Final = 14
"""Days between approval and removal where the request says nothing else."""
_OPEN: Final = (DisposalEvent.APPROVED, DisposalEvent.DISPOSED)

_BEARING: Final = frozenset({"legal-hold", "retention-rule", "retention-fact", "disposal", "incident-case"})
"""Kinds that decide what may go: one of them in the same commit is not seen yet, so removal waits for the next."""
ATTEMPTS: Final = 20

ProvenTime = Callable[[], int | None]
"""The latest time that a witness's cosignature or a time-stamp proves; None while there is none."""


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a job that removes."""

    disposal: str
    scrub: bool = True
    """Whether the database's files are rewritten once all is removed (`scrubbing.scrub`)."""


BY_JOB: Final = Authority(actor="dispose", authenticated=False)
"""On whose authority a job removes what two people decided."""


class _Unsettled(Conflict):
    """What decides is being entered in this very commit."""


class Disposals:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, proven_time: ProvenTime, incidents: Incidents, owner: Callable[[], URL]) -> None:
        """`proven_time`: by which time retention is judged; while it knows none, nothing is disposable. `incidents`:
        what those keep. `owner`: the URL of the database's owner; raises ConfigError where it lacks a
        password.
        """
        self._owner = owner
        self._store = store
        self._incidents = incidents
        self._copies = Copies(store)
        self.proven_time = proven_time

    def plan(self, log: LogId, query: Query, low: int = 0) -> Plan:
        """What may go of what a query matches, and why the rest stays."""
        with self._store.reading() as connection:
            return plan(self._judge(connection, log), connection, log, query, low, self.proven_time()).plan

    def judge(self, log: LogId, index: int) -> Judged:
        """How long one entry is kept; raises NotFound."""
        with self._store.reading() as connection:
            return self._judge(connection, log).at(index)

    def request(
        self,
        log: LogId,
        query: Query,
        reason: str,
        authority: Authority,
        *,
        person: bool,
        remains: tuple[Copy, ...] = (),
        waits_days: int = WAITS_DAYS,
        low: int = 0,
    ) -> Disposal:
        """Asks for everything to be disposed of that a query matches and that may go; the entries list it.

        Raises AccessDenied, SchemaViolation, and Conflict where nothing may go.
        """
        require_person(authority, person, "a disposal is asked for")
        if log.number == SYSTEM_LOG:
            raise Conflict("what describes Trailseal itself is kept for ever", advice="Choose a record log.")
        if waits_days < LEAST_DAYS:
            raise SchemaViolation(f"a disposal waits {LEAST_DAYS} days at least", advice="Give it time for objections.")
        for copy in remains:
            require_day(copy.expires)
        proven_us = self.proven_time()
        with self._store.reading() as connection:
            found = plan(self._judge(connection, log), connection, log, query, low, proven_us)
        if not found.groups or proven_us is None:
            stay = ", ".join(f"{count} {why}" for why, count in sorted(found.plan.stay.items())) or "nothing matches"
            cases = f" ({', '.join(found.plan.cases)})" if found.plan.cases else ""
            raise Conflict(
                f"nothing of it may be disposed of: {stay}{cases}",
                advice="`trailseal dispose plan` names the facts that are missing, `trailseal hold list` the holds, "
                "`trailseal incident list` the cases.",
            )
        parts = parts_of(found.groups)
        entry = DisposalEntry(
            disposal=secrets.token_hex(8),
            event=DisposalEvent.REQUESTED,
            log=log.name,
            number=log.number,
            reason=reason,
            authority=authority,
            parts=len(parts),
            total=found.plan.total,
            waits_days=waits_days,
            remains=remains,
            proven_at=utc_text(proven_us),
        )
        drafts = [draft(msgspec.structs.replace(entry, groups=groups, part=part)) for part, groups in enumerate(parts)]
        self._store.append(SYSTEM_LOG, Batch(drafts))
        return self.get(entry.disposal)

    def approve(self, disposal: str, reason: str, authority: Authority, *, person: bool) -> Disposal:
        """Approves a disposal, by another person than who asked; its waiting period begins.

        Raises NotFound, AccessDenied, and Conflict for one that is decided, or of which something may not go now.
        """
        asked = self._asked(disposal)
        require_person(authority, person, "a disposal is approved", (asked[0].authority.actor,))
        proven_us = self.proven_time()
        with self._store.reading() as connection:
            self._fresh(connection, asked, proven_us)
        self._decide(disposal, DisposalEvent.APPROVED, reason, authority, proven_us)
        return self.get(disposal)

    def withdraw(self, disposal: str, reason: str, authority: Authority, *, person: bool) -> Disposal:
        """Ends a disposal: nothing more is removed under it. Raises NotFound, AccessDenied, Conflict."""
        require_person(authority, person, "a disposal is withdrawn")
        self._decide(disposal, DisposalEvent.WITHDRAWN, reason, authority, None)
        return self.get(disposal)

    def run(
        self, disposal: str, authority: Authority, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> Disposal:
        """Removes what is approved, part by part; goes on where an earlier run ended. `progress` raises to stop.

        Raises NotFound, and Conflict where it is not approved, waits still, or something of it may not go any more:
        what is before that is gone then, and nothing after it.
        """
        asked = self._asked(disposal)
        total = asked[0].total
        while True:
            part = self._next(disposal, asked)
            done = self.get(disposal).removed
            progress(done, total)
            if part is None:
                return self.get(disposal)
            self._remove(asked[0], part, authority)
            empty_log(self._store)

    def work(self, context: Context) -> str:
        """The handler of jobs whose parameters are a `Removal`: removes, then rewrites the database's files.

        One that failed or was ended is done by another one, from where it stood. Returns `{"removed": …, "total": …,
        "scrubbed": …}`.
        """
        asked = msgspec.json.decode(context.job.parameters, type=Removal)

        def progress(removed: int, total: int) -> None:
            context.progress(removed, total, "records", "{}")  # written each time: a cancel is noticed between parts

        done = self.run(asked.disposal, BY_JOB, progress)
        if asked.scrub:
            try:
                self.scrub(lambda step, steps: context.progress(step, steps, "files", "{}"))
            except (LedgerError, DBAPIError) as error:
                raise Conflict(
                    f"all {done.removed} records are removed, but copies may stand in free space of the database's "
                    f"files: {error}. Remove again, or run `trailseal dispose run {done.disposal}` where the owner's "
                    "URL is known, and it goes on there"
                ) from error
        found = {"removed": done.removed, "total": done.total, "scrubbed": asked.scrub}
        return msgspec.json.encode(found).decode()

    def scrub(self, step: Step = lambda done, total: None) -> None:
        """Rewrites the files that rows went from (`scrubbing.scrub`)."""
        scrub(self._store, self._owner(), step=step)

    def get(self, disposal: str) -> Disposal:
        """One disposal; raises NotFound."""
        with self._store.reading() as connection:
            return self._shown(connection, disposal)

    def all(self) -> list[Disposal]:
        """Every disposal, the newest first."""
        row = tables.disposal.c
        with self._store.reading() as connection:
            query = select(row.key).where(row.log == SYSTEM_LOG, row.to_index.is_(None)).order_by(row.from_index.desc())
            return [self._shown(connection, key) for key in connection.scalars(query).all()]

    def _shown(self, connection: Connection, disposal: str) -> Disposal:
        def copies(number: int, indices: Sequence[int], requested: Sequence[Copy], at: int | None) -> Rest:
            cases = self._incidents.holding(number, indices)
            return remaining(self._copies.now(connection), requested, cases, at)

        return report(self._history(connection, disposal), copies)

    def _history(self, connection: Connection, disposal: str) -> list[tuple[int, DisposalEntry, int]]:
        found = history(self._store, connection, tables.disposal, disposal, DisposalEntry)
        if not found:
            raise NotFound(f"there is no disposal {disposal!r}")
        return found

    def _asked(self, disposal: str) -> list[DisposalEntry]:
        with self._store.reading() as connection:
            past = self._history(connection, disposal)
        return [body for _, body, _ in past if body.event is DisposalEvent.REQUESTED]

    def _judge(self, connection: Connection, log: LogId) -> Judge:
        return Judge(self._store, connection, log, self._incidents.preserving(connection))

    def _fresh(self, connection: Connection, parts: Sequence[DisposalEntry], proven_us: int | None) -> list[Doomed]:
        number = parts[0].number
        log = next(one for one in read_logs(connection) if one.number == number)
        return look(self._judge(connection, log), LogReader(connection, number), parts, proven_us)

    def _decide(
        self, disposal: str, event: DisposalEvent, reason: str, authority: Authority, proven_us: int | None
    ) -> None:
        asked = self._asked(disposal)[0]
        entry = msgspec.structs.replace(
            asked,
            event=event,
            reason=reason,
            authority=authority,
            groups=(),
            part=0,
            remains=(),
            proven_at=None if proven_us is None else utc_text(proven_us),
        )

        def check(transaction: Transaction) -> None:
            past = self._history(transaction.connection, disposal)
            last, key = past[-1][1].event, ("disposal", disposal)
            wrong = last is DisposalEvent.WITHDRAWN or (event is DisposalEvent.APPROVED and last in _OPEN)
            if wrong or transaction.scratch.get(key):
                raise Conflict(f"disposal {disposal!r} was decided already", advice="Look at it again.")
            transaction.scratch[key] = True

        self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))

    def _next(self, disposal: str, asked: Sequence[DisposalEntry]) -> DisposalEntry | None:
        """The first part of which something is there still, with what is; None when all is gone."""
        row = schema.disposed_entry.c
        with self._store.reading() as connection:
            for part in asked:
                places = [pos_of(part.number, item.index) for item in items_of(part)]
                gone = set(connection.scalars(select(row.row_pos).where(row.row_pos.in_(places))))
                left = [
                    msgspec.structs.replace(
                        group,
                        items=tuple(item for item in group.items if pos_of(part.number, item.index) not in gone),
                    )
                    for group in part.groups
                ]
                groups = tuple(group for group in left if group.items)
                if groups:
                    return msgspec.structs.replace(part, groups=groups)
        return None

    def _remove(self, asked: DisposalEntry, part: DisposalEntry, authority: Authority) -> None:
        proven_us = self.proven_time()
        entry = msgspec.structs.replace(
            part,
            event=DisposalEvent.DISPOSED,
            reason=asked.reason,
            authority=authority,
            part=part.part,
            remains=(),
            proven_at=None if proven_us is None else utc_text(proven_us),
        )
        doomed: list[Doomed] = []

        def check(transaction: Transaction) -> None:
            if transaction.kinds_placed & _BEARING:
                raise _Unsettled("a hold, a fact or an incident is being entered at this moment")
            past = self._history(transaction.connection, asked.disposal)
            require_open(asked, past, transaction.logged_us)
            doomed[:] = self._fresh(transaction.connection, [part], proven_us)

        batch = Batch([draft(entry)], before=check, after=lambda connection: remove(connection, doomed))
        for _ in range(ATTEMPTS):
            with contextlib.suppress(_Unsettled):
                self._store.append(SYSTEM_LOG, batch)
                return
        raise Conflict("holds, facts and incidents are being entered without a pause", advice="Run it again.")
