"""D21: something was deleted.

Guard: the deletion names a change request, and somebody else's approval that names it too came before. Two accounts are
one person's by the identity map. That nobody approved it is said once it is known what the systems that approve told by
then.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.parameters import ParameterName
from ledger.core.record import Action, ActorKind, LinkKind, Outcome
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.facts import Told
from ledger.review.rules.approvals import APPROVING
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, unknown


class Deletion:
    """Examines deletions that succeeded."""

    about = About(
        id="D21",
        version=1,
        title="Deletion or purge",
        severity=Severity.CRITICAL,
        parameters=(ParameterName.SYSTEM,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        return told.record.action is Action.DELETE and told.record.outcome is Outcome.SUCCESS

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        # An approval can only end a finding, and what stands or waits is looked at in each run.
        return ()

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        ids = {id_ for one in anchors for id_ in one.ids(LinkKind.CHANGE_REQUEST)}
        linking = known.linking(LinkKind.CHANGE_REQUEST, ids)
        told = known.told(entry for entries in linking.values() for entry in entries)
        approvals = {one.index: one for one in told if _approves(one)}
        for anchor in anchors:
            named = [entry for id_ in anchor.ids(LinkKind.CHANGE_REQUEST) for entry in linking.get(id_, ())]
            yield _said(anchor, [approvals[entry] for entry in named if entry in approvals], known)


def _approves(told: Told) -> bool:
    return told.record.action is Action.APPROVE and told.record.outcome is Outcome.SUCCESS


def _said(anchor: Told, approvals: Sequence[Told], known: Known) -> Judged:
    at, record = anchor.index, anchor.record
    others = [(one, other) for one in approvals if (other := _somebody_else(one, anchor, known)) is not False]
    before = [other for one, other in others if one.about.high_us < anchor.about.low_us]
    if True in before:
        return Judged(at, Said.EXPLAINED, "approved-change")
    if before:
        return Judged(at, Said.LACKING, "one-person")
    if any(one.about.low_us <= anchor.about.high_us for one, _ in others):
        return Judged(at, Said.UNORDERED, "approval-and-deletion")
    why = "approved-later" if others else "not-approved" if anchor.ids(LinkKind.CHANGE_REQUEST) else "no-change-request"
    if why != "no-change-request":
        waits = unknown(anchor, known.systems(APPROVING, anchor.moment_us), known, 0)
        if waits is not None:
            return waits
    thing = one_line(f"{record.object.type} {record.object.id}")
    return Judged(at, Said.FINDING, why, (at,), f"{thing} was deleted by entry {at}: {_WORDS[why]}")


def _somebody_else(approval: Told, anchor: Told, known: Known) -> bool | None:
    """Whether who approved is not who deleted; None: one of the accounts is nobody's by a map, or several persons'."""
    one, other = approval.record, anchor.record
    if (one.source, one.actor.account) == (other.source, other.actor.account):
        return False
    if other.actor.kind is ActorKind.SERVICE:
        return True
    persons = known.who(approval), known.who(anchor)
    return None if None in persons else persons[0] != persons[1]


_WORDS: Final = {
    "approved-later": "its change was approved only afterwards",
    "not-approved": "nobody approved its change",
    "no-change-request": "it names no change request",
}
RULE: Final = Deletion()
