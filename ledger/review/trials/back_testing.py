"""Back-tests: what a rule as it is now, or with other parameters, finds in the past, beside what stands. Nothing of it
is entered.

A finding is of one record that was examined. So what differs is told part by part of the log, as of one size of it: a
job that is interrupted goes on with the part that it had not ended, and comes to the same.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.rule_run import Said
from ledger.findings.tables import rule_finding
from ledger.jobs.frame import Context
from ledger.review.alcoa.totals import Days
from ledger.review.exceptions.examining import judged, key_of
from ledger.review.exceptions.knowing import AT_ONCE, known_since
from ledger.review.exceptions.left import newest
from ledger.review.known.days import DAY_US, HOURS, Period, day_text, period_of
from ledger.review.known.facts import Told
from ledger.review.rules import rule_named
from ledger.review.rules.known import Known
from ledger.review.rules.rule import Judged, Rule
from ledger.review.trials.supposing import Supposed, Supposition, require_fitting
from ledger.store import schema
from ledger.store.logs import choose
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.schema import as_of
from ledger.store.store import Store

MOST: Final = 1_000
"""Differences that are named one by one; of more there is only how many."""


class BackTest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which rule looks at the records of which log: those of the days (UTC) from `since` to `until`, both included
    (null: without end), with parameters as they are `supposed` to be.
    """

    log: str
    rule: str
    since: str | None = None
    until: str | None = None
    period: Period = Period.MONTH
    supposed: tuple[Supposition, ...] = ()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that would be opened, or one that stands and would be closed (`opened` false), of the record
    `anchor`: its key, the records that it rests on, and why.
    """

    opened: bool
    key: str
    anchor: int
    source: str
    entries: tuple[int, ...]
    why: str
    detail: str


class Counted(msgspec.Struct, kw_only=True):
    """Of the records of the days from `first` to `last`: findings that would be opened, closed, and stay the same."""

    first: str
    last: str
    opened: int = 0
    closed: int = 0
    same: int = 0


class Compared(msgspec.Struct, kw_only=True):
    """What a back-test comes to, as of `size`. `differences`: the first of them, in the order of the log; `more`: how
    many there are besides. `said`: how often the rule said what.
    """

    log: str
    rule: str
    version: int
    size: int
    opened: int = 0
    closed: int = 0
    same: int = 0
    said: dict[Said, int] = {}
    periods: list[Counted] = []
    differences: list[Difference] = []
    more: int = 0


class _Stand(msgspec.Struct, kw_only=True):
    """Where a job stands: up to which entry it has compared."""

    next: int
    compared: Compared


class BackTests:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def checked(self, plan: BackTest) -> BackTest:
        """The plan, if it can be one. Raises NotFound for a rule that there is not, SchemaViolation for days that are
        none, and as `require_fitting`.
        """
        require_fitting(rule_named(plan.rule).about, plan.supposed)
        Days.read(plan.since, plan.until)
        return plan

    def work(self, context: Context) -> str:
        """The handler of jobs whose parameters are a `BackTest`; raises RuleFailed."""
        plan = msgspec.json.decode(context.job.parameters, type=BackTest)
        log, rule = choose(self._store.logs(), plan.log), rule_named(plan.rule)
        with self._store.reading() as connection:
            stand = self._stand(connection, context.job.cursor, log, rule)
            compared, size = stand.compared, stand.compared.size
            last = newest(connection, log.number)
            parameters = Supposed(self._store, plan.supposed)
            known = known_since(connection, self._store.kinds, parameters, log.number, size, last)
            comparison = _Comparison(rule, known, _standing(connection, log.number, plan.rule, size), plan, compared)
            for low in range(stand.next, size, AT_ONCE):
                high = min(low + AT_ONCE, size)
                comparison.add(low, high)
                at = msgspec.json.encode(_Stand(next=high, compared=compared)).decode()
                context.progress(high, size, f"entries of {log.name}", at)
        compared.periods.sort(key=lambda one: one.first)
        return msgspec.json.encode(compared).decode()

    def _stand(self, connection: Connection, cursor: str, log: LogId, rule: Rule) -> _Stand:
        """Where the job stood, or its beginning; anew where the rule is of another version by now."""
        about = rule.about
        if cursor != "{}":
            found = msgspec.json.decode(cursor, type=_Stand)
            if found.compared.version == about.version:
                return found
        size = LogReader(connection, log.number).head().size
        return _Stand(next=0, compared=Compared(log=log.name, rule=about.id, version=about.version, size=size))


class _Comparison:
    """Compares part by part what a rule finds with what stands, and adds it up."""

    def __init__(
        self, rule: Rule, known: Known, standing: Mapping[int, list[tuple[str, int]]], plan: BackTest, into: Compared
    ) -> None:
        self._rule = rule
        self._known = known
        self._standing = standing
        self._days = Days.read(plan.since, plan.until)
        self._period = plan.period
        self._into = into
        self._periods = {one.first: one for one in into.periods}

    def add(self, low: int, high: int) -> None:
        """Compares the records from an entry on to before another."""
        for told, said in judged(self._rule, self._records(low, high), self._known):
            if said is not None:
                self._into.said[said.said] = self._into.said.get(said.said, 0) + 1
            differences, same = self._compared(told, said)
            if differences or same:
                self._count(told, differences, same)

    def _records(self, low: int, high: int) -> Iterator[int]:
        row, known = schema.record.c, self._known
        held = [row.pos >= pos_of(known.log, low), row.pos < pos_of(known.log, high)]
        if self._days.first is not None:
            held.append(row.hour >= self._days.first * HOURS)
        if self._days.last is not None:
            held.append(row.hour < (self._days.last + 1) * HOURS)
        return map(index_of, known.connection.scalars(select(row.pos).where(*held)).all())

    def _compared(self, told: Told, said: Judged | None) -> tuple[list[Difference], int]:
        """What would be opened and closed of a record, and how much stays the same."""
        about, known = self._rule.about, self._known
        finding = said if said is not None and said.said is Said.FINDING else None
        entries, source, found, same = (told.index,), told.record.source, [], 0
        for key, version in self._standing.get(told.index, ()):
            its = msgspec.structs.replace(about, version=version)
            if finding is not None and key_of(its, finding, known) == key:
                same += 1
                continue
            why = "not-examined" if said is None else said.why or said.said.value
            found.append(
                Difference(opened=False, key=key, anchor=told.index, source=source, entries=entries, why=why, detail="")
            )
        if finding is not None and not same:
            found.append(
                Difference(
                    opened=True,
                    key=key_of(about, finding, known),
                    anchor=told.index,
                    source=source,
                    entries=finding.entries,
                    why=finding.why,
                    detail=finding.detail,
                )
            )
        return found, same

    def _count(self, told: Told, differences: list[Difference], same: int) -> None:
        into, period = self._into, self._of(told)
        for counted in (into, period):
            counted.opened += sum(one.opened for one in differences)
            counted.closed += sum(not one.opened for one in differences)
            counted.same += same
        room = MOST - len(into.differences)
        into.differences += differences[:room]
        into.more += len(differences[room:])

    def _of(self, told: Told) -> Counted:
        first, last = map(day_text, period_of(told.moment_us // DAY_US, self._period))
        found = self._periods.get(first)
        if found is None:
            found = self._periods[first] = Counted(first=first, last=last)
            self._into.periods.append(found)
        return found


def _standing(connection: Connection, log: int, rule: str, size: int) -> Mapping[int, list[tuple[str, int]]]:
    """The findings of a rule that stand as of a size, each its key and the rule's version, by the record examined."""
    row, found = rule_finding.c, dict[int, list[tuple[str, int]]]()
    chosen = select(row.anchor, row.key, row.version).where(
        row.log == log, row.rule == rule, row.stands == 1, as_of(rule_finding, size)
    )
    for anchor, key, version in connection.execute(chosen.order_by(row.from_index)):
        found.setdefault(anchor, []).append((key, version))
    return found
