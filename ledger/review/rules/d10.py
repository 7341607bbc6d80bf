"""D10: a change without an old value, a new value or a reason that says something, where its type has to have them.

What a type has to have is its parameter `profile`; phrases that are no reason are listed by `vague-words`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.parameters import ParameterName, Profile, VagueWords
from ledger.core.record import Action, Outcome
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.alcoa.attributes import Verdict
from ledger.review.alcoa.checks.complete import filled
from ledger.review.known.facts import Told
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said

_CHANGES: Final = frozenset({Action.UPDATE, Action.DELETE, Action.CONFIGURE, Action.TIME_CHANGE})
_WORDS: Final = {
    Verdict.OLD_MISSING: "no old value",
    Verdict.NEW_MISSING: "no new value",
    Verdict.REASON_MISSING: "no reason",
    Verdict.REASON_VAGUE: "a reason that says nothing",
}


class Unexplained:
    """Examines what was changed or deleted."""

    about = About(
        id="D10",
        version=1,
        title="Change without old value, new value or reason",
        severity=Severity.MEDIUM,
        parameters=(ParameterName.PROFILE, ParameterName.VAGUE_WORDS),
    )

    def examines(self, told: Told, known: Known) -> bool:
        record = told.record
        return record.outcome is Outcome.SUCCESS and (record.action in _CHANGES or bool(record.changes))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        return ()

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        for told in anchors:
            verdict = filled(told.record, known.value(told, Profile), known.value(told, VagueWords))
            if verdict is Verdict.NO_PROFILE:
                yield Judged(told.index, Said.LACKING, "profile")
            elif verdict is Verdict.HOLDS:
                yield Judged(told.index, Said.CLEAR)
            else:
                thing = one_line(told.record.object.id)
                detail = f"{thing}: {told.record.action.value} with {_WORDS[verdict]} in entry {told.index}"
                yield Judged(told.index, Said.FINDING, verdict.value.partition(":")[2], (told.index,), detail)


RULE: Final = Unexplained()
