"""C08 and C09: nothing is missing beside the record, nor in it."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from ledger.core.parameters import Profile, Sequence, SequencePolicy, VagueWords
from ledger.core.record import Record, Sealed
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.known.facts import Facts


def series(facts: Facts) -> Verdict:
    """No number of the source's lacks before the record's or is given twice, and its companions are there.

    Where the source numbers nothing, its own count of that time stands for it.
    """
    return worst([_numbered(facts), *_accompanied(facts)])


def _numbered(facts: Facts) -> Verdict:
    rule, own = facts.value(Sequence), facts.series
    if rule is None or rule.policy is SequencePolicy.NONE or own is None:
        counted = {True: Verdict.HOLDS, False: Verdict.COUNT_DIFFERS, None: Verdict.NO_SEQUENCE}
        return counted[facts.counted]
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
    """Old value, new value and a reason are there where the type asks for them, and the reason is no listed phrase."""
    return filled(facts.told.record, facts.value(Profile), facts.value(VagueWords))


def filled(record: Record, profile: Profile | None, words: VagueWords | None) -> Verdict:
    """Whether a record has what its profile asks for. That there was no value (null) is said; that nothing is said of
    it is not.
    """
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
    vague = words is not None and _plain(record.reason) in _plain_words(words)
    return Verdict.REASON_VAGUE if vague else Verdict.HOLDS


@lru_cache(maxsize=64)
def _plain_words(words: VagueWords) -> frozenset[str]:
    return frozenset(map(_plain, words.words))


def _plain(text: str) -> str:
    """A text without what two writings of the same words differ by."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
