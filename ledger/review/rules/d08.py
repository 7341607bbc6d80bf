"""D08: a record was written down later than its source and type may (parameter `limits`).

Both times are the source's own, so that no error of its clock comes into it. Guard: the source was away or could not
tell in between, and its runs say so: what was buffered meanwhile comes late.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.parameters import Limits, ParameterName
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.facts import Told
from ledger.review.rules.known import Known, Sight
from ledger.review.rules.rule import About, Judged, Said


class LateEntry:
    """Examines records that say when they happened and when they were written down."""

    about = About(
        id="D08",
        version=1,
        title="Back-dating or late entry",
        severity=Severity.HIGH,
        parameters=(ParameterName.LIMITS,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        return _late_us(told) is not None

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        return ()

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        for told in anchors:
            yield _said(told, known)


def _late_us(told: Told) -> int | None:
    happened, written = told.record.occurred_at, told.record.source_recorded_at
    if written is None or written.instant_us is None or happened.instant_us is None:
        return None
    return written.instant_us - happened.instant_us


def _said(told: Told, known: Known) -> Judged:
    at, late, limits = told.index, _late_us(told) or 0, known.value(told, Limits)
    if limits is None:
        return Judged(at, Said.LACKING, "limits")
    if late <= limits.late_s * MICROSECONDS:
        return Judged(at, Said.CLEAR)
    if known.sight(told.record.source, told.about.low_us, told.about.low_us + late) is Sight.BROKEN:
        return Judged(at, Said.EXPLAINED, "gap-in-collection")
    thing = one_line(told.record.object.id)
    detail = f"{thing}: entry {at} was written down {late // MICROSECONDS} s after it happened"
    return Judged(at, Said.FINDING, "late", (at,), f"{detail}; {limits.late_s} s are allowed")


RULE: Final = LateEntry()
