"""D07: a clock was set, or ran backwards while the source's own numbers went on.

Times are instants, so that a change of zone or of daylight saving time is none. Guards: a service of the source set it
(time synchronisation), and what runs backwards by no more than the clock's tolerance (parameter `limits`). A counter
that begins again puts nothing in order. Where a number's time, or that of the one before, names no instant, it cannot
be said.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.parameters import Limits, ParameterName
from ledger.core.parameters import Sequence as Numbering
from ledger.core.record import Action, ActorKind, Outcome
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.facts import Numbered, Series, Told
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said

_SECOND: Final = 1_000_000


class ClockChange:
    """Examines changes of a clock, and records that bear a number."""

    about = About(
        id="D07",
        version=1,
        title="Clock set back or jumped",
        severity=Severity.CRITICAL,
        parameters=(ParameterName.LIMITS,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        return _sets(told) or told.record.source_sequence is not None

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        return known.numbered_after(new)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        series = known.series(anchors)
        for told in anchors:
            yield _set(told) if _sets(told) else _said(told, series.get(told.index), known)


def _sets(told: Told) -> bool:
    return told.record.action is Action.TIME_CHANGE and told.record.outcome is Outcome.SUCCESS


def _set(told: Told) -> Judged:
    if told.record.actor.kind is ActorKind.SERVICE:
        return Judged(told.index, Said.EXPLAINED, "time-service")
    who = one_line(told.record.actor.account or "somebody")
    detail = f"{one_line(told.record.object.id)}: {who} set the clock, in entry {told.index}"
    return Judged(told.index, Said.FINDING, "clock-set", (told.index,), detail)


def _said(told: Told, series: Series | None, known: Known) -> Judged:
    at, numbering = told.index, known.value(told, Numbering)
    if series is None or series.before is None or (numbering is not None and numbering.wraps is not None):
        return Judged(at, Said.CLEAR)
    back = _back_us(told, series.before)
    if back is None:
        return Judged(at, Said.LACKING, "occurred-time")
    limits = known.value(told, Limits)
    if back <= (0 if limits is None else limits.clock_tolerance_ms * 1_000):
        return Judged(at, Said.CLEAR)
    detail = (
        f"{one_line(told.record.source)}: number {series.number}, entry {at}, has a time {back / _SECOND:.3f} s before"
        f" that of number {series.before.number}, entry {series.before.entry}"
    )
    return Judged(at, Said.FINDING, "runs-backwards", tuple(sorted((series.before.entry, at))), detail)


def _back_us(told: Told, before: Numbered) -> int | None:
    """By how much its time lies before that of the number before; None where the two bear no times of one sort."""
    written, happened = told.record.source_recorded_at, told.record.occurred_at.instant_us
    pairs = ((None if written is None else written.instant_us, before.recorded_us), (happened, before.occurred_us))
    return next((other - mine for mine, other in pairs if mine is not None and other is not None), None)


RULE: Final = ClockChange()
