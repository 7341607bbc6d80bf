"""The parameter of rule D14. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind, Name
from ledger.core.rule_parameters.patterns import Back, Names, Patterns, SpecifiedList


class D14(ParameterValue, frozen=True, kw_only=True):
    """How results are processed, and what of it is suspicious.

    A result has a version by each record that fits `versions`, at `most` so many; `manual`: records of an integration
    by hand, which makes a failure pass by `verdict`, `failed`, `passed` and `specified` (as of `D13`); `inhibited`:
    records that take a part of a signal out of the integration. `methods`: changes of a processing method, `standards`
    and `samples`: injections, which share a `link` and lie within `within_s`. `approved`: records that approve such a
    thing: of what it names as a document, a deviation or a change request, or of the method itself before it is used.
    `grace_s`: how long other systems have to tell of that.
    """

    versions: Patterns = ()
    most: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 2
    manual: Patterns = ()
    verdict: Name | None = None
    failed: Names = ()
    passed: Names = ()
    specified: SpecifiedList = ()
    inhibited: Patterns = ()
    methods: Patterns = ()
    standards: Patterns = ()
    samples: Patterns = ()
    link: LinkKind = LinkKind.EQUIPMENT
    within_s: Back = 86_400
    approved: Patterns = ()
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if len({bool(one) for one in (self.methods, self.standards, self.samples)}) > 1:
            raise ValueError("methods, standards and samples: give all, or none")
        if self.manual and self.verdict is None and not self.specified:
            raise ValueError("verdict or specified: give one, or nothing fails")
