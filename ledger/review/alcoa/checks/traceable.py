"""C13: a path leads from the record to all that its type asks for."""

from ledger.core.parameters import Profile
from ledger.core.record import LinkKind
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.alcoa.checks.attributable import resolves
from ledger.review.known.facts import Facts


def reaches(facts: Facts) -> Verdict:
    """Whatever the profile names is reached: by a link, by what maps and intervals say, by a signature over it."""
    profile = facts.value(Profile)
    if profile is None:
        return Verdict.NO_PROFILE
    kinds = (*profile.links, *((LinkKind.CHANGE_REQUEST,) if profile.change_request else ()))
    found = [_reached(facts, kind) for kind in kinds]
    if profile.signature:
        found.append(Verdict.HOLDS if facts.signed else Verdict.UNREACHABLE_PATH)
    return worst(found)


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
