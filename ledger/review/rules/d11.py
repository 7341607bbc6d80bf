"""D11: the old value of a change is not the new value of the change before it: one was lost, or made unseen.

Guards: a gap that is on record already, between the two looks at the value or in the source's collection.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from ledger.core.record import Change, Outcome, Sealed, same
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.facts import Previous, Told
from ledger.review.rules.known import Known, Sight
from ledger.review.rules.rule import About, Judged, Said

_FIRST: Final = (Said.FINDING, Said.PENDING, Said.UNORDERED, Said.LACKING, Said.EXPLAINED, Said.CLEAR)
"""Of a record that changes several attributes the one is said that says most."""


class BrokenContinuity:
    """Examines every change that succeeded and says what stood before."""

    about = About(id="D11", version=1, title="Broken value continuity", severity=Severity.CRITICAL)

    def examines(self, told: Told, known: Known) -> bool:
        return told.record.outcome is Outcome.SUCCESS and any(
            one.old is not msgspec.UNSET for one in told.record.changes
        )

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        return known.changed_after(new)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        previous = known.previous(anchors)
        before = {one.entry for of in previous.values() for one in of if one.known and one.found}
        told = {one.index: one for one in known.told(before)}
        for anchor in anchors:
            steps = zip(anchor.record.changes, previous[anchor.index], strict=True)
            said = [_said(anchor, change, one, told, known) for change, one in steps if change.old is not msgspec.UNSET]
            worst = min(said, key=lambda one: _FIRST.index(one.said))
            if worst.said is Said.FINDING:
                found = [one for one in said if one.said is Said.FINDING]
                worst = worst._replace(
                    entries=tuple(sorted({entry for one in found for entry in one.entries})),
                    detail="; ".join(dict.fromkeys(one.detail for one in found)),
                )
            yield worst


def _said(anchor: Told, change: Change, previous: Previous, told: dict[int, Told], known: Known) -> Judged:
    at = anchor.index
    if not previous.known:
        return Judged(at, Said.UNORDERED, "previous-change")
    if not previous.found:
        return Judged(at, Said.CLEAR)
    before = told.get(previous.entry)
    if before is None or previous.new is msgspec.UNSET:
        return Judged(at, Said.LACKING, "previous-value")
    goes_on = same(change.old, previous.new)
    if goes_on is None:
        return Judged(at, Said.LACKING, "sealed-value")
    if goes_on:
        return Judged(at, Said.CLEAR)
    if change.gap:
        return Judged(at, Said.EXPLAINED, "gap-between-looks")
    sight = known.sight(anchor.record.source, before.about.low_us, anchor.about.high_us)
    if sight is Sight.BROKEN:
        return Judged(at, Said.EXPLAINED, "gap-in-collection")
    if sight is Sight.NOT_YET:
        return Judged(at, Said.PENDING, anchor.record.source)
    thing = one_line(f"{anchor.record.object.id} {change.attribute}")
    detail = (
        f"{thing}: was {_text(change.old)} by entry {at}, yet entry {before.index} had made it {_text(previous.new)}"
    )
    return Judged(at, Said.FINDING, "value-differs", (before.index, at), detail)


def _text(value: object) -> str:
    return "a sealed value" if isinstance(value, Sealed) else "nothing" if value is None else one_line(str(value))


RULE: Final = BrokenContinuity()
