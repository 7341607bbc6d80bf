"""Deviations that the quality system raised about the equipment of records, near them in time."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.rule_parameters.patterns import Patterns
from ledger.core.system_class import SystemClass
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, types
from ledger.review.rules.known import Known
from ledger.review.rules.rule import Judged, Said, unknown

QUALITY: Final = (SystemClass.QUALITY_SYSTEM,)


class Raised:
    """Of some records: from `back_s` before each to `on_s` after it."""

    def __init__(self, by: Patterns, asked: Sequence[Told], back_s: int, on_s: int, known: Known) -> None:
        self._by = by
        self._known = known
        self._back_s, self._on_s = back_s, on_s
        self._raised = defaultdict[str, list[Told]](list)
        of = Elsewhere(known.connected(QUALITY), types(by))
        for case in known.cases.around(of, asked, back_s * MICROSECONDS, on_s * MICROSECONDS) if by else ():
            for one in case.records:
                if fits(one.record, by):
                    for asset in known.assets_of(one):
                        self._raised[asset].append(one)

    def of(self, told: Told) -> Judged | None:
        """That one explains a record, or may; None: none does, and that is known."""
        if not self._by:
            return None
        low = told.about.low_us - self._back_s * MICROSECONDS
        high = told.about.high_us + self._on_s * MICROSECONDS
        raised = [one for asset in self._known.assets_of(told) for one in self._raised.get(asset, ())]
        if any(low <= one.about.high_us and one.about.low_us <= high for one in raised):
            return Judged(told.index, Said.EXPLAINED, "deviation")
        return unknown(told, self._known.systems(QUALITY, told.moment_us), self._known, self._on_s, self._back_s)
