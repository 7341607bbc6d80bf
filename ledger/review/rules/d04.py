"""D04: a shared, generic or unknown account acted on critical equipment.

Which equipment is critical is said by the asset map, whose an account was by the identity map, both at that time.
Guard: a service that the map gives a purpose acts by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.record import Action, ActorKind
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.alcoa.attributes import Verdict
from ledger.review.known.facts import Told
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said

_LOOKS: Final = frozenset({Action.READ, Action.PRINT, Action.EXPORT, Action.ALARM, Action.ALARM_CLEAR})
_WORDS: Final = {
    Verdict.UNMAPPED: "is nobody's by the identity map",
    Verdict.INACTIVE: "was nobody's then",
    Verdict.SHARED_ACCOUNT: "is shared",
    Verdict.SERVICE_WITHOUT_PURPOSE: "is a service without a purpose",
}


class SharedAccount:
    """Examines what an account did, other than to look, to what the asset map calls critical."""

    about = About(id="D04", version=1, title="Shared or generic account on critical data", severity=Severity.CRITICAL)

    def examines(self, told: Told, known: Known) -> bool:
        record = told.record
        return record.action not in _LOOKS and record.actor.kind is not ActorKind.DEVICE

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        return ()

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        for told in anchors:
            yield _said(told, known) if known.critical(told) else Judged(told.index, Said.CLEAR)


def _said(told: Told, known: Known) -> Judged:
    at, actor = told.index, told.record.actor
    if not known.mapped(told.record.source):
        return Judged(at, Said.LACKING, "identity-map")
    owner = known.owner(told)
    if owner is None:
        return Judged(at, Said.UNORDERED, "identity-map")
    if owner.fault is None:
        service = actor.kind is ActorKind.SERVICE
        return Judged(at, Said.EXPLAINED, "approved-service") if service else Judged(at, Said.CLEAR)
    account = "no account" if actor.account is None else one_line(actor.account)
    detail = f"{one_line(told.record.object.id)}: {account} {_WORDS[owner.fault]}, in entry {at}"
    return Judged(at, Said.FINDING, owner.fault.value.partition(":")[2], (at,), detail)


RULE: Final = SharedAccount()
