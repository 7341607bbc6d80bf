"""Runs of the assessment: a block at a time, entered some at a time; one that was stopped is gone on with."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from ledger.core import assessment as k
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.entry import Draft, VaultItem, decode_leaf, draft
from ledger.core.record import Original, OriginalRef
from ledger.jobs.frame import Context
from ledger.review.alcoa import tables as t
from ledger.review.alcoa.blocks import Held, Place, every, touched
from ledger.review.alcoa.cells import FORMAT, MEDIA_TYPE, VERSION, BlockCells, written
from ledger.review.alcoa.judging import Here, Judging, Opens
from ledger.review.alcoa.successors import altered
from ledger.review.known.days import day_of, day_text
from ledger.review.known.outside import Outside, system_size
from ledger.review.known.retrieval import measured
from ledger.sources.prepare import keep_original
from ledger.store.logs import SYSTEM_LOG, choose
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.store import Store

SCHEDULE: Final = Authority(actor="service:assessment", authenticated=False)
"""On whose authority a run is that a schedule began."""
MOST_RECORDS: Final = 100_000
"""Records that are judged between two entries, about: what is done again after an interruption."""

MOST_NAMED: Final = 100
"""Entries of maps and parameters that an entry names as its reason."""

Progress = Callable[[int, int], None]
"""Hears how many blocks of how many are done; may raise to stop."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to assess. Without `log` every record log. `full`: all blocks, not only those that may have changed."""

    log: str | None = None
    full: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What a run over a log came to: its size, its entries, and how many blocks were judged and were another."""

    log: str
    size: int
    entries: tuple[int, ...]
    judged: int
    changed: int


class _Stand(NamedTuple):
    """Where a run is: as of `size`, for what came from `low` on; the blocks up to `through` are done."""

    low: int
    size: int
    through: Place | None = None


class _Judged(NamedTuple):
    """Blocks in a row: those that came out otherwise than before, with the entry of before."""

    changed: list[tuple[BlockCells, int | None]]
    judged: int
    through: Place


class Assessments:
    """The assessments of a ledger's record logs. Safe to use from any number of threads."""

    def __init__(self, store: Store, opens: Opens) -> None:
        self._store = store
        self._here = Here(store.reading, opens)

    def work(self, context: Context) -> str:
        """The handler of jobs whose parameters are a `Plan`. Where it stands is read off the logs' own entries."""
        plan = msgspec.json.decode(context.job.parameters, type=Plan)
        logs = [log for log in self._store.logs() if log.number != SYSTEM_LOG]
        chosen = logs if plan.log is None else [choose(logs, plan.log)]
        runs = []
        for log in chosen:

            def progress(done: int, total: int, name: str = log.name) -> None:
                context.progress(done, total, f"blocks of {name}")

            runs.append(self.run(log, plan.full, SCHEDULE, progress))
        return msgspec.json.encode({"runs": runs}).decode()

    def run(
        self,
        log: LogId,
        full: bool,
        authority: Authority,
        progress: Progress = lambda done, total: None,
        judging: Judging | None = None,
    ) -> Run:
        """Judges the blocks that may have changed, or all, and enters those that did; goes on with a stopped run.

        `judging`: who judges them; None: this thread.
        """
        with self._store.reading() as connection:
            stand = _stand(connection, log.number, full)
            blocks, altering = _due(connection, log.number, stand.low, stand.size)
        if blocks and stand.through is None:
            stand = self._measure(log.number, stand, authority)
        rest = [one for one in blocks if stand.through is None or one > stand.through]
        entries: list[int] = []
        changed, done = 0, len(blocks) - len(rest)
        with closing((judging or self._here).blocks(log.number, stand.size, rest)) as judged:
            while rest:
                with self._store.reading() as connection:
                    held = Held(connection, log.number, LogReader(connection, log.number).head().size)
                    group = _judge(held, rest, judged, partial(_further, progress, done, len(blocks)))
                    entry = _entry(connection, log.number, stand, group, altering, group.judged == len(rest), authority)
                entries.append(self._store.append_one(log.number, entry).index)
                changed += len(group.changed)
                done += group.judged
                rest = rest[group.judged :]
        return Run(log=log.name, size=stand.size, entries=tuple(entries), judged=len(blocks), changed=changed)

    def _measure(self, log: int, stand: _Stand, authority: Authority) -> _Stand:
        """Fetches some records of each source and enters how that went; the run is as of right after."""
        with self._store.reading() as connection:
            retrieval = measured(connection, log, stand.size)
            entry = k.Assessment(
                low=stand.size,
                size=stand.size,
                system_size=system_size(connection, log, stand.size),
                at=_at(connection, log, stand.size),
                blocks=(),
                same=0,
                through=None,
                last=False,
                altered_by=(),
                retrieval=retrieval,
                cells=None,
                authority=authority,
            )
        index = self._store.append_one(log, draft(entry)).index
        return stand._replace(size=index + 1)


def _further(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def judged_to(connection: Connection, log: int, size: int) -> int:
    """Up to which size of a log records were judged by a run that ended, as of a size; 0: by none."""
    row = t.assessment.c
    mine = row.pos.between(pos_of(log, 0), pos_of(log, size) - 1)
    newest = select(row.size).where(mine, row.last == 1).order_by(row.pos.desc()).limit(1)
    return connection.scalar(newest) or 0


def entered(connection: Connection, log: int, before: int | None, limit: int) -> list[tuple[int, k.Assessment]]:
    """The entries of runs, newest first, with their indices."""
    pos = t.assessment.c.pos
    high = pos_of(log + 1, 0) if before is None else pos_of(log, before)
    chosen = select(pos).where(pos >= pos_of(log, 0), pos < high).order_by(pos.desc()).limit(limit)
    indices = [index_of(one) for one in connection.scalars(chosen)]
    return [(index, _read(connection, log, index)) for index in indices]


def _stand(connection: Connection, log: int, full: bool) -> _Stand:
    """Where the run goes on that was stopped, or where a new one begins.

    A run of all blocks is gone on with by one that is asked for all, or where there never was another.
    """
    row = t.assessment.c
    mine = select(row.pos, row.low, row.size).where(
        row.pos.between(pos_of(log, 0), pos_of(log + 1, 0) - 1), row.low < row.size
    )
    done = connection.execute(mine.where(row.last == 1).order_by(row.pos.desc()).limit(1)).one_or_none()
    last = connection.execute(mine.order_by(row.pos.desc()).limit(1)).one_or_none()
    judged_to = 0 if done is None else done.size
    if last is not None and (done is None or last.pos > done.pos) and last.low == (0 if full else judged_to):
        return _Stand(last.low, last.size, _through(connection, log, index_of(last.pos)))
    return _Stand(0 if full else judged_to, LogReader(connection, log).head().size, None)


def _through(connection: Connection, log: int, index: int) -> Place | None:
    through = _read(connection, log, index).through
    return None if through is None else Place(through.source, day_of(through.day))


def _read(connection: Connection, log: int, index: int) -> k.Assessment:
    return body_of(LogReader(connection, log).entry(index), k.ASSESSMENT, k.Assessment)


def _due(connection: Connection, log: int, low: int, size: int) -> tuple[list[Place], tuple[int, ...]]:
    """The blocks that a run takes, and the newest entries of maps and parameters that some of them are there for."""
    if not low:
        return every(connection, log, size), ()
    chosen = set(touched(connection, log, Outside(connection, log, low).settled_to, size))
    scopes = altered(connection, log, low, size)
    if scopes:
        chosen.update(place for place in every(connection, log, size) if any(scope.has(place) for scope in scopes))
    return sorted(chosen), tuple(sorted({one.entry for one in scopes})[-MOST_NAMED:])


def _judge(
    held: Held, blocks: Sequence[Place], found: Iterator[BlockCells], progress: Callable[[int], None]
) -> _Judged:
    """Takes the cells of blocks in their order until there is enough for an entry."""
    changed: list[tuple[BlockCells, int | None]] = []
    records = judged = 0
    for place, cells in zip(blocks, found, strict=False):
        before = held.of(place)
        if before is None or before[1] != cells:
            changed.append((cells, None if before is None else before[0]))
        judged += 1
        records += cells.records
        progress(judged)
        if len(changed) == k.MOST_BLOCKS or records >= MOST_RECORDS:
            break
    return _Judged(changed, judged, blocks[judged - 1])


def _entry(
    connection: Connection,
    log: int,
    stand: _Stand,
    group: _Judged,
    altering: tuple[int, ...],
    last: bool,
    authority: Authority,
) -> Draft:
    reference: OriginalRef | None = None
    vault: tuple[VaultItem, ...] = ()
    if group.changed:
        data = written([cells for cells, _ in group.changed])
        made = Original(data=data, media_type=MEDIA_TYPE, parser=FORMAT, parser_version=VERSION)
        reference, item = keep_original(made)
        vault = (item,)
    body = k.Assessment(
        low=stand.low,
        size=stand.size,
        system_size=system_size(connection, log, stand.size),
        at=_at(connection, log, stand.size),
        blocks=tuple(
            k.Block(source=cells.source, day=cells.day, records=cells.records, tallies=cells.tallies, succeeds=before)
            for cells, before in group.changed
        ),
        same=group.judged - len(group.changed),
        through=k.Place(source=group.through.source, day=day_text(group.through.day)),
        last=last,
        altered_by=altering,
        retrieval=(),
        cells=reference,
        authority=authority,
    )
    return draft(body, vault=vault)


def _at(connection: Connection, log: int, size: int) -> str:
    return decode_leaf(LogReader(connection, log).entry(size - 1).leaf).logged_at
