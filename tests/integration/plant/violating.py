"""A month of violations in a ledger, and what the rules make of it, held against what was planted."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from ledger.core.run import RunBatch
from ledger.findings.kinds import RuleFinding
from ledger.review.exceptions.examining import judged
from ledger.review.exceptions.knowing import known_since
from ledger.review.exceptions.left import newest
from ledger.review.exceptions.runs import Ran
from ledger.review.rules import rule_named, rules
from ledger.store.rebuild import rebuild
from tests.integration.plant.entering import settle
from tests.plant.model import DAY, END, Fact
from tests.plant.violations import Corpus
from tests.plant.violations.corpus import Case, Finding, finding_of
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock
from tests.support.ruling import found, look

ANSWERS: Final = {
    "finding": {"finding"},
    "explained": {"explained"},
    "clear": {"clear", "not-examined"},
    "unordered": {"cannot-order"},
    "pending": {"pending"},
    "lacking": {"not-assessable"},
}
"""What a rule may say of a scene; there is nothing in what it does not even look at."""

NOW: Final = END + 10 * DAY
"""When the month is entered: what is due later is not overdue yet."""


class Row(NamedTuple):
    """What became of a rule's scenes: violations planted and found, near misses and those cleared, scenes that cannot
    be assessed and those of which just that was said, findings of what nobody planted, and those closed by what came
    late.
    """

    rule: str
    planted: int
    found: int
    near: int
    cleared: int
    unknown: int
    said: int
    false: int
    closed: int

    def __str__(self) -> str:
        return (
            f"{self.rule}  recall {self.found / self.planted:7.2%} of {self.planted:3}  {self.false:2} false  "
            f"{self.cleared:3} of {self.near:3} near misses cleared  {self.said:2} of {self.unknown:2} not assessable  "
            f"{self.closed:2} closed by what came late"
        )


class Violating:
    """A month that is entered into a fresh ledger in an order, while the rules look `looks` times in between; then what
    sources count of it.
    """

    def __init__(self, ledger: Ledger, corpus: Corpus, order_seed: int, looks: int) -> None:
        self._ledger = ledger
        self._corpus = corpus
        self._entries: dict[str, int] = {}
        """The entry of each record, by the source's id of it."""
        settle(ledger.service, corpus, AUTHORITY)
        runs = list(corpus.runs(order_seed))
        self._last = {run.source: run for run in runs if run.submissions}
        step = len(runs) // (looks + 1) + 1
        self.closed = Counter[str]()
        """How many findings of each rule what came later closed again."""
        for place, run in enumerate(runs):
            self._submit(run)
            if place % step == step - 1:
                self.look()
        self.look()
        self._count(later=False)
        self._at_us(NOW + DAY)
        self._count(later=True)

    def look(self) -> Ran:
        ran = look(self._ledger)
        assert not ran.left_out, ran.left_out
        self.closed.update({one.rule: one.closed for one in ran.rules})
        return ran

    def standing(self) -> set[Finding]:
        """What the rules found and did not close again."""
        ids = {entry: id_ for id_, entry in self._entries.items()}
        return {
            Finding(one.rule, frozenset(ids[entry] for entry in one.entries), one.severity.value)
            for one in self._standing()
        }

    def keys(self) -> set[str]:
        """How the findings that stand are named."""
        return {one.key for one in self._standing()}

    def replay(self) -> None:
        """Every source tells once more what it told last."""
        state = self._ledger.service.ingest.state
        for source, run in self._last.items():
            cursor = state(source).cursor
            self._submit(msgspec.structs.replace(run, cursor_from=cursor, cursor_to=f"{cursor} again"))

    def rebuild(self) -> None:
        """Makes what is read anew from the log."""
        rebuild(self._ledger.store, self._ledger.owner_url, ["rule-finding", "rule-run"])

    def differing(self) -> Iterator[str]:
        """Scenes of whose examined record the rule does not say what it should."""
        for case, said, why in self._answers():
            if said not in ANSWERS[case.said] or not why.startswith(case.lacking):
                yield f"{case.rule} {case.scene}: {case.said} {case.lacking}, but it is {said} {why}"

    def table(self) -> list[Row]:
        """What became of every rule's scenes."""
        stands, truth = self.standing(), self._corpus.findings()
        answers = [(case, said in ANSWERS[case.said]) for case, said, _ in self._answers()]
        return [self._row(rule, answers, stands, truth) for rule in sorted({case.rule for case in self._corpus.cases})]

    def _row(self, rule: str, answers: Sequence[tuple[Case, bool]], stands: set[Finding], truth: set[Finding]) -> Row:
        mine = [(case, right) for case, right in answers if case.rule == rule]
        planted = [finding_of(case) for case, _ in mine if case.said == "finding"]
        near = [right for case, right in mine if case.said not in ("finding", "lacking")]
        unknown = [right for case, right in mine if case.said == "lacking"]
        false = sum(one.rule == rule for one in stands - truth)
        there = sum(one in stands for one in planted)
        counts = len(planted), there, len(near), sum(near), len(unknown), sum(unknown), false, self.closed[rule]
        return Row(rule, *counts)

    def _answers(self) -> Iterator[tuple[Case, str, str]]:
        """What each rule says of the record that it examines in each of its scenes, and why."""
        service, store = self._ledger.service, self._ledger.store
        with store.reading() as connection, store.reader(RECORDS) as reader:
            last, parameters = newest(connection, RECORDS), service.record_log().parameters
            known = known_since(connection, store.kinds, parameters, RECORDS, reader.head().size, last)
            for rule in sorted({case.rule for case in self._corpus.cases}):
                cases = {self._entries[str(case.rests[0].number)]: case for case in self._corpus.cases
                         if case.rule == rule}  # fmt: skip
                for told, said in judged(rule_named(rule), cases, known):
                    case = cases[told.index]
                    yield (case, "not-examined", "") if said is None else (case, said.said.value, said.why)

    def _standing(self) -> Iterator[RuleFinding]:
        for rule in rules():
            yield from {one.key: one for one in found(self._ledger, rule)}.values()

    def _count(self, *, later: bool) -> None:
        """Enters what sources count, and has the rules look at that."""
        for one in self._corpus.counts(later=later):
            reconciling = self._ledger.service.record_log().reconciling
            reconciling.by_count(one.source, one.low, one.high, one.told, "as the site counts", AUTHORITY)
        self.look()

    def _at_us(self, now_us: int) -> None:
        """From here on it is that instant."""
        assert isinstance(self._ledger.clock, MovableClock)
        self._ledger.clock.at_us = now_us

    def _submit(self, run: RunBatch) -> None:
        receipt = self._ledger.service.record_log().ingest.submit(run, AUTHORITY)
        for one, outcome in zip(run.submissions, receipt.outcomes, strict=True):
            self._entries.setdefault(one.record.source_record_id, outcome.index)


def hold(violating: Violating, corpus: Corpus) -> list[Row]:
    """Holds what the rules found against what was planted; then that nothing comes of looking, of telling and of
    reading all once more. Raises AssertionError that names what differs.
    """
    stands, truth = violating.standing(), corpus.findings()
    rows = violating.table()
    print("", *rows, sep="\n")
    lines = list(violating.differing())
    facts = {str(fact.number): fact for fact in corpus.facts}
    for name, differ in (("missed", truth - stands), ("false", stands - truth)):
        lines += [f"{name} {one.rule} {one.severity}: {_told(one.ids, facts)}" for one in sorted(differ, key=str)]
    assert not lines, "\n".join(lines)
    assert violating.look().entry is None
    violating.replay()
    again = violating.look()
    assert sum(one.opened + one.closed for one in again.rules) == 0, again.rules
    violating.rebuild()
    assert violating.standing() == stands
    return rows


def _told(ids: frozenset[str], facts: Mapping[str, Fact]) -> str:
    """Records in short."""
    told = (facts[id_] for id_ in sorted(ids, key=int))
    return ", ".join(f"{one.source} {one.action} {one.thing.type} {one.thing.id}" for one in told)
