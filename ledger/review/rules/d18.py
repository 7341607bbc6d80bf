"""D18: somebody approved or signed as a second person what they did themselves.

Two accounts are one person's by the identity map at the time of each. An account that nobody is mapped to is still
itself; a shared account is nobody's, so that it cannot be told who approved.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.instants import cannot_order
from ledger.core.record import Action, ActorKind, Outcome
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.facts import Told
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said
from ledger.store.changes import Thing

_APPROVALS: Final = frozenset({Action.APPROVE, Action.REJECT})
_WORK: Final = frozenset({Action.CREATE, Action.UPDATE, Action.EXECUTE})


class SelfApproval:
    """Examines approvals and refusals of an object, against who created, changed or carried it out before."""

    about = About(id="D18", version=1, title="Self-approval", severity=Severity.CRITICAL)

    def examines(self, told: Told, known: Known) -> bool:
        record = told.record
        return record.action in _APPROVALS and record.outcome is Outcome.SUCCESS

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        work = [one for one in new if one.record.action in _WORK and known.ever(one.record.source, _APPROVALS)]
        return (entry for entries in known.of_objects(work).values() for entry in entries)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        of = known.of_objects(anchors)
        told = {one.index: one for one in known.told(entry for entries in of.values() for entry in entries)}
        for anchor in anchors:
            record = anchor.record
            entries = of[Thing(record.source, record.object.type, record.object.id)]
            others = (told[entry] for entry in entries if entry in told)
            yield _said(anchor, [one for one in others if _is_work(one)], known)


def _is_work(told: Told) -> bool:
    record = told.record
    return record.action in _WORK and record.outcome is Outcome.SUCCESS and record.actor.kind is not ActorKind.SERVICE


def _said(anchor: Told, work: Sequence[Told], known: Known) -> Judged:
    at, who = anchor.index, known.who(anchor)
    if not work:
        return Judged(at, Said.CLEAR)
    if who is None:
        return Judged(at, Said.LACKING, "one-person")
    own = [one for one in work if known.who(one) == who]
    before = [one for one in own if one.about.high_us < anchor.about.low_us]
    if before:
        entries = tuple(sorted({at, *(one.index for one in before)}))
        done = ", ".join(str(one.index) for one in before[:5])
        thing = one_line(anchor.record.object.id)
        detail = f"{thing}: entry {at} approves what the same person did by entry {done}"
        return Judged(at, Said.FINDING, "same-person", entries, detail)
    if any(cannot_order(one.about, anchor.about) for one in own):
        return Judged(at, Said.UNORDERED, "work-and-approval")
    return Judged(at, Said.CLEAR)


RULE: Final = SelfApproval()
