"""Runs of the rules over a log: what is new, what that touches, what waits, what stands, and what maps now say of."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import Draft, draft
from ledger.core.errors import Conflict
from ledger.core.rule_run import Examined, RuleRun, Watermark
from ledger.core.ruling import RUNS, RuleState
from ledger.findings.tables import rule_finding
from ledger.jobs.frame import Context
from ledger.review.alcoa.successors import Scope, altered, of_parameter
from ledger.review.exceptions.examining import Examination
from ledger.review.exceptions.knowing import AT_ONCE, known_since, records
from ledger.review.exceptions.left import Last, kept, newest
from ledger.review.known.begun import begun_earlier
from ledger.review.known.days import HOURS
from ledger.review.known.reach import Reach
from ledger.review.known.rows import there
from ledger.review.known.systems import said_anew
from ledger.review.life.states import running
from ledger.review.reviews.tables import review
from ledger.review.rules import faulty, rules
from ledger.review.rules.known import Known
from ledger.sources.parameters import Parameters
from ledger.sources.tables import collection_run
from ledger.store import schema
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG, choose
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

JOBS: Final = Authority(actor="service:rules", authenticated=False)
"""On whose authority a run is that a job makes."""
TOGETHER: Final = 1_000
"""Findings of one transaction; those of a run that has more are entered before it ends, and not again by another."""

Progress = Callable[[int, int], None]
"""Hears how many records of how many were looked through; may raise to stop."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which log's records the rules look at; without `log` those of every record log."""

    log: str | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, or the file of one, that did not run, and why."""

    rule: str
    why: str


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What a run over a log came to; `entry` is None where nothing was new."""

    log: str
    low: int
    size: int
    entry: int | None
    rules: tuple[Examined, ...]
    left_out: tuple[LeftOut, ...]


class RuleRuns:
    """The runs of a ledger's rules. Safe to use from any number of threads."""

    def __init__(self, store: Store, parameters: Parameters) -> None:
        self._store = store
        self._parameters = parameters

    def work(self, context: Context) -> str:
        """The handler of jobs whose parameters are a `Plan`."""
        plan = msgspec.json.decode(context.job.parameters, type=Plan)
        logs = [log for log in self._store.logs() if log.number != SYSTEM_LOG]
        chosen = logs if plan.log is None else [choose(logs, plan.log)]
        ran = []
        for log in chosen:

            def progress(done: int, total: int, name: str = log.name) -> None:
                context.progress(done, total, f"records of {name}")

            ran.append(self.run(log, JOBS, progress))
        return msgspec.json.encode({"runs": ran}).decode()

    def run(self, log: LogId, authority: Authority, progress: Progress = lambda done, total: None) -> Ran:
        """Lets the rules that run look at what entries since the last run could change, and enters what that came to.

        A rule that did not look in the last run looks at all records. One that fails is left out, and nothing of what
        it found is entered. Raises Conflict where another run of the log ended meanwhile.
        """
        with self._store.reading() as connection:
            last = newest(connection, log.number)
            size = LogReader(connection, log.number).head().size
            states = running(connection, log.number, size)
            begun = {name: rule for name, rule in rules().items() if states[name] in RUNS}
            late = frozenset(name for name, rule in begun.items() if last.versions.get(name) != rule.about.version)
            anything = _anything(connection, log.number, last.size, size)
            if not anything and not late:
                return Ran(log=log.name, low=last.size, size=size, entry=None, rules=(), left_out=_left_out(states))
            known = known_since(connection, self._store.kinds, self._parameters, log.number, size, last)
            standing = _standing(connection, log.number, size)
            examinations = {name: Examination(rule, known, standing.get(name, {})) for name, rule in begun.items()}
            _look(known, last, examinations, standing, late, progress)
            watermarks = _watermarks(connection, log.number, size)
        left_out = _left_out(states, examinations)
        examinations = {name: one for name, one in examinations.items() if not one.failed}
        examined = tuple(one.examined for one in examinations.values())
        if not anything and late.isdisjoint(examinations):
            return Ran(log=log.name, low=last.size, size=size, entry=None, rules=(), left_out=left_out)
        found = [one for of in examinations.values() for one in of.found]
        *before, closing = [found[at : at + TOGETHER] for at in range(0, len(found), TOGETHER)] or [[]]
        same = _nobody_else_ran(log.number, last.entry)
        for some in before:
            self._store.append(log.number, Batch(some, before=same))
        ended = _entry(last.size, size, examinations, watermarks, known.reach, authority)
        placed = self._store.append(log.number, Batch([*closing, ended], before=same))
        entry = placed[-1].index
        return Ran(log=log.name, low=last.size, size=size, entry=entry, rules=examined, left_out=left_out)


def _left_out(
    states: Mapping[str, RuleState], examinations: Mapping[str, Examination] | None = None
) -> tuple[LeftOut, ...]:
    """The rules that did not run: those that are not to, those that failed, and files with an error."""
    idle = [LeftOut(rule=name, why=state.value) for name, state in states.items() if state not in RUNS]
    failed = [LeftOut(rule=name, why=one.failed) for name, one in (examinations or {}).items() if one.failed]
    return (*idle, *failed, *(LeftOut(rule=one.file, why=one.error) for one in faulty()))


def _look(
    known: Known,
    last: Last,
    examinations: Mapping[str, Examination],
    standing: Mapping[str, Mapping[int, Mapping[str, int]]],
    late: Collection[str],
    progress: Progress,
) -> None:
    """Has each rule look at what it has to, some records at a time; those that are `late` at all."""
    for entries in _within(known, _scopes(known, last.size) if last.size else []):
        for one in examinations.values():
            one.look(entries)
    for name, one in examinations.items():
        waiting = last.waiting.get(name)
        one.look([*standing.get(name, {}), *(() if waiting is None else waiting)])
    begin = 0 if late else last.size
    for low, high in ((begin, last.size), (last.size, known.size)):
        for new in records(known, low, high):
            for name, one in examinations.items():
                if name in late or low >= last.size:
                    one.look_at_new(new)
            if new:
                progress(new[-1].index + 1 - begin, known.size - begin)


def _scopes(known: Known, low: int) -> list[Scope]:
    """What entries from `low` on can alter; what a system is, and since when it is collected, concerns all others."""
    asked = known.connection, known.log, low, known.size
    since = [*said_anew(*asked), *begun_earlier(*asked)]
    return [*altered(*asked), *(of_parameter(known.size, None, one) for one in since)]


def _within(known: Known, scopes: Sequence[Scope]) -> Iterator[list[int]]:
    """The records of which maps, parameters or counts that changed may say otherwise."""
    row = schema.record.c
    for scope in sorted({one._replace(entry=0) for one in scopes}, key=str):
        held = [*there(known.log, known.size)]
        if scope.source is not None:
            held.append(row.source == scope.source)
        if scope.first is not None:
            held.append(row.hour >= scope.first * HOURS)
        if scope.last is not None:
            held.append(row.hour < (scope.last + 1) * HOURS)
        after = pos_of(known.log, 0) - 1
        while places := known.connection.scalars(
            select(row.pos).where(*held, row.pos > after).order_by(row.pos).limit(AT_ONCE)
        ).all():
            after = places[-1]
            yield [index_of(pos) for pos in places]


def _anything(connection: Connection, log: int, low: int, size: int) -> bool:
    """Whether entries of that range can change what rules say: records, runs, reviews, maps and parameters."""
    if not low:
        return True
    span = pos_of(log, low), pos_of(log, size) - 1
    for column in (schema.record.c.pos, collection_run.c.pos):
        if connection.scalar(select(column).where(column.between(*span)).limit(1)) is not None:
            return True
    reviewed = select(review.c.key).where(review.c.log == log, review.c.from_index.between(low, size - 1)).limit(1)
    return connection.scalar(reviewed) is not None or bool(altered(connection, log, low, size))


def _standing(connection: Connection, log: int, size: int) -> Mapping[str, Mapping[int, Mapping[str, int]]]:
    """The findings that stand as of a size, with their entries, by rule and by the record that was examined."""
    row = rule_finding.c
    chosen = select(row.rule, row.anchor, row.key, row.from_index).where(
        row.log == log, row.stands == 1, schema.as_of(rule_finding, size)
    )
    found: dict[str, dict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for rule, anchor, key, entry in connection.execute(chosen.order_by(row.from_index)):
        found[rule][anchor][key] = entry
    return found


def _watermarks(connection: Connection, log: int, size: int) -> tuple[Watermark, ...]:
    row = collection_run.c
    newest = select(row.source, func.max(row.ended_us)).where(row.pos >= pos_of(log, 0), row.pos < pos_of(log, size))
    found = connection.execute(newest.group_by(row.source).order_by(row.source))
    return tuple(Watermark(source=source, to=utc_text(ended)) for source, ended in found)


def _nobody_else_ran(log: int, entry: int | None) -> Callable[[Transaction], None]:
    def same(transaction: Transaction) -> None:
        if newest(transaction.connection, log).entry != entry:
            raise Conflict("the rules were run over this log meanwhile", advice="Nothing is lost: run them again.")

    return same


def _entry(
    low: int,
    size: int,
    examinations: Mapping[str, Examination],
    watermarks: tuple[Watermark, ...],
    reach: Reach,
    authority: Authority,
) -> Draft:
    examined = tuple(one.examined for one in examinations.values())
    waiting, item = kept({name: one.waiting for name, one in examinations.items()}, reach.stretches())
    body = RuleRun(
        low=low,
        size=size,
        opened=sum(one.opened for one in examined),
        closed=sum(one.closed for one in examined),
        rules=examined,
        watermarks=watermarks,
        waiting=waiting,
        authority=authority,
    )
    return draft(body, vault=(item,))
