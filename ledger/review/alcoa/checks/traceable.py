"""C13: a path leads from the record to all that its type asks for."""

from ledger.core.parameters import Profile
from ledger.core.record import LinkKind
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.alcoa.checks.attributable import resolves
from ledger.review.alcoa.facts import Facts


def reaches(facts: Facts) -> Verdict:
    """Whatever kind of thing the profile names is reached: by a link, or by what maps and intervals say."""
    profile = facts.value(Profile)
    if profile is None:
        return Verdict.NO_PROFILE
    kinds = (*profile.links, *((LinkKind.CHANGE_REQUEST,) if profile.change_request else ()))
    return worst(_reached(facts, kind) for kind in kinds)


def _reached(facts: Facts, kind: LinkKind) -> Verdict:
    there = facts.linked(kind)
    if kind is LinkKind.EQUIPMENT:
        there = there or facts.path.equipment
    elif kind is LinkKind.PERSON:
        there = there or resolves(facts) is Verdict.HOLDS
    elif kind is LinkKind.BATCH:
        there = there or facts.path.batch
        if not there and not facts.path.ruled:
            return Verdict.NO_BATCH_RULE
    return Verdict.HOLDS if there else Verdict.UNREACHABLE_PATH
