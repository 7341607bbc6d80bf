"""The parameter of rule D25. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue
from ledger.core.rule_parameters.patterns import Back, PatternList


class D25(ParameterValue, frozen=True, kw_only=True):
    """What has to be reviewed, by when, and what makes a review hollow.

    `due`: records of whose batch, or where they name none, of themselves an audit trail review is signed within
    `due_s`. Hollow is a review that was concluded less than `least_s` after it was opened (none: no clock is on the
    reviewer), that judged `same_words` findings or more with one and the same reason and named no cause of them all, or
    of which `at_once` records or more were said to be looked at with one entry; what is left out is not judged.
    """

    due: PatternList
    due_s: Back = 2_592_000
    least_s: Back | None = None
    same_words: Annotated[int, msgspec.Meta(ge=2, le=1_000_000)] | None = None
    at_once: Annotated[int, msgspec.Meta(ge=2, le=1_000_000)] | None = None
