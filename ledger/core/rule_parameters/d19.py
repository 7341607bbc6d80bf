"""The parameter of rule D19. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind
from ledger.core.rule_parameters.patterns import PatternList, Patterns


class D19(ParameterValue, frozen=True, kw_only=True):
    """Signatures and steps, and the pace that nobody keeps: `many` by one person within `within_s`; two less than
    `least_s` apart; one whose object the person did not open (`opened`) within `open_s` before. What shares a link of
    the kind `set_link`, and was opened as a whole by it, is one set that is signed at once.
    """

    signed: PatternList
    many: Annotated[int, msgspec.Meta(ge=2, le=10_000)]
    within_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 60
    least_s: Seconds = 0
    opened: Patterns = ()
    open_s: Seconds = 86_400
    set_link: LinkKind | None = None
