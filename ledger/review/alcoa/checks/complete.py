"""C08 and C09: nothing is missing beside the record, nor in it."""

import unicodedata
from collections.abc import Iterator

import msgspec

from ledger.core.parameters import Profile, Sequence, SequencePolicy, VagueWords
from ledger.core.record import Sealed
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.alcoa.facts import Facts


def series(facts: Facts) -> Verdict:
    """No number of the source's lacks before the record's or is given twice, and its companions are there."""
    return worst([_numbered(facts), *_accompanied(facts)])


def _numbered(facts: Facts) -> Verdict:
    rule, own = facts.value(Sequence), facts.series
    if rule is None or rule.policy is SequencePolicy.NONE or own is None:
        return Verdict.NO_SEQUENCE
    if own.before is not None:
        step = own.number - own.before.number
        # What begins anew goes on from its last number; the same number again is no gap.
        if (step if rule.wraps is None else step % rule.wraps) not in (0, 1):
            return Verdict.GAP
    return Verdict.DUPLICATE if own.again else Verdict.HOLDS


def _accompanied(facts: Facts) -> Iterator[Verdict]:
    for one in facts.companions:
        if one.there:
            yield Verdict.HOLDS
        else:
            yield Verdict.COMPANION_MISSING if one.covered else Verdict.NOT_COVERED


def fields(facts: Facts) -> Verdict:
    """Old value, new value and a reason are there where the type asks for them, and the reason is no listed phrase.

    That there was no value (null) is said; that nothing is said of it is not.
    """
    profile, record = facts.value(Profile), facts.told.record
    if profile is None:
        return Verdict.NO_PROFILE
    if profile.old and any(one.old is msgspec.UNSET for one in record.changes):
        return Verdict.OLD_MISSING
    if profile.new and any(one.new is msgspec.UNSET for one in record.changes):
        return Verdict.NEW_MISSING
    if not profile.reason or isinstance(record.reason, Sealed):
        return Verdict.HOLDS
    if record.reason is None or not record.reason.strip():
        return Verdict.REASON_MISSING
    words = facts.value(VagueWords)
    vague = words is not None and _plain(record.reason) in {_plain(one) for one in words.words}
    return Verdict.REASON_VAGUE if vague else Verdict.HOLDS


def _plain(text: str) -> str:
    """A text without what two writings of the same words differ by."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
