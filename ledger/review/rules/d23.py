"""D23: two sides that have to agree do not: a source and the log, a source's own numbers, or two systems.

What a source counted, the log's own reconciliations say; what two systems have to tell alike, and whether a source's
numbers follow each other, the parameter `d23`. Guard: what lacks on one side may be on its way for some time. A gap
that is on record explains numbers that are missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.parameters import ParameterName
from ledger.core.parameters import Sequence as Numbering
from ledger.core.rule_parameters import D23
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.facts import Series, Told
from ledger.review.known.patterns import fits
from ledger.review.known.reconciled import Break
from ledger.review.rules.agreeing import Agreeing, beside
from ledger.review.rules.known import Known, Sight
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown

_FIRST: Final = (Said.FINDING, Said.PENDING, Said.UNORDERED, Said.LACKING, Said.EXPLAINED, Said.CLEAR)


class ReconciliationBreak:
    """Examines what two systems tell of the same, numbered records, and those that stand for what a source counted."""

    about = About(
        id="D23",
        version=1,
        title="Reconciliation break",
        severity=Severity.HIGH,
        parameters=(ParameterName.SYSTEM,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        value = known.value(told, D23)
        if told.index in known.breaks:
            return True
        if value is None:
            return False
        numbered = value.numbers and told.record.source_sequence is not None
        return numbered or any(fits(told.record, (*of.told, *of.other)) for of in value.agreements)

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        yield from (anchor for anchor, of in known.breaks.items() if any(one.entry >= known.low for one in of))
        numbered = [one for one in new if (value := known.value(one, D23)) is not None and value.numbers]
        yield from known.numbered_after(numbered)
        for value in known.every(D23):
            for of in value.agreements:
                own = [one for one in new if fits(one.record, (*of.told, *of.other))]
                yield from (one.index for one in beside(own, of, known))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D23, _judged, undated)


def _judged(anchors: Sequence[Told], value: D23, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value."""
    said: dict[int, list[Judged]] = {one.index: [] for one in anchors}
    for told in anchors:
        said[told.index] += (_counted(told, one, value, known) for one in known.breaks.get(told.index, ()))
    for of in value.agreements:
        own = [one for one in anchors if fits(one.record, (*of.told, *of.other))]
        agreeing = Agreeing(own, of, value.in_flight_s, known)
        for told in own:
            said[told.index].append(agreeing.said(told))
    if value.numbers:
        series = known.series(anchors)
        for told in anchors:
            if told.index in series:
                said[told.index].append(_numbered(told, series[told.index], value, known))
    yield from (_most(index, of) for index, of in said.items())


def _most(index: int, said: Sequence[Judged]) -> Judged:
    """What says most of a record; of several findings all that they rest on."""
    found = [one for one in said if one.said is Said.FINDING]
    if not found:
        return min(said, key=lambda one: _FIRST.index(one.said), default=Judged(index, Said.CLEAR))
    entries = tuple(sorted({entry for one in found for entry in one.entries}))
    return found[0]._replace(entries=entries, detail="; ".join(one.detail for one in found))


def _counted(told: Told, one: Break, value: D23, known: Known) -> Judged:
    """What is said of the record that stands for a count."""
    if known.decided.at_us < one.at_us + value.in_flight_s * MICROSECONDS:
        return Judged(told.index, Said.PENDING, "in-flight")
    body = one.body
    detail = (
        f"{one_line(body.source)} counts {body.there.count} records of {body.from_at} to {body.to_at}, and the log had"
        f" {body.here.count}, by entry {one.entry}"
    )
    return Judged(told.index, Said.FINDING, "counts-differ", (told.index,), detail)


def _numbered(told: Told, series: Series, value: D23, known: Known) -> Judged:
    """What is said of a record whose number has to follow the one before."""
    at, rule, before = told.index, known.value(told, Numbering), series.before
    if rule is None:
        return Judged(at, Said.LACKING, "sequence")
    if before is None:
        return Judged(at, Said.CLEAR)
    step = series.number - before.number
    lacking = (step if rule.wraps is None else step % rule.wraps) - 1
    if lacking <= 0:
        return Judged(at, Said.CLEAR)
    since_us = before.occurred_us or told.moment_us
    if known.sight(told.record.source, min(since_us, told.about.low_us), told.about.high_us) is Sight.BROKEN:
        return Judged(at, Said.EXPLAINED, "gap-on-record")
    detail = (
        f"{one_line(told.record.source)}: {lacking} numbers lack between {before.number} of entry {before.entry} and"
        f" {series.number} of entry {at}"
    )
    waits = unknown(told, [told.record.source], known, value.in_flight_s)
    entries = tuple(sorted((before.entry, at)))
    return waits or Judged(at, Said.FINDING, "numbers-missing", entries, detail)


RULE: Final = ReconciliationBreak()
