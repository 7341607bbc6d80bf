"""The parameter of rule D22. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind, Name
from ledger.core.rule_parameters.patterns import Back, PatternList, Patterns, Scope
from ledger.core.system_class import SystemClass


class Direct(ParameterValue, frozen=True, kw_only=True):
    """Writes past an application: each that fits `written` belongs to an `event` of a system of the class `application`
    within `within_s` of it, and with `link` of the same sample, batch or other thing.
    """

    written: PatternList
    event: PatternList
    application: SystemClass
    link: LinkKind | None = None
    within_s: Seconds = 60


class D22(ParameterValue, frozen=True, kw_only=True):
    """What raises rights and lowers them again, what is critical to do in between, and writes past applications.

    The account is the object, or what the attribute `member` names. Raised for more than `within_s` is no burst. Guard:
    a ticket of support that a record of it names as a change request, or that by `scope` is of that account: `approved`
    and not `ended`. It counts for `back_s`; `grace_s`: how long the other system has to tell.
    """

    raised: Patterns = ()
    lowered: Patterns = ()
    critical: Patterns = ()
    member: Name | None = None
    direct: Annotated[tuple[Direct, ...], msgspec.Meta(max_length=100)] = ()
    within_s: Back = 86_400
    approved: Patterns = ()
    ended: Patterns = ()
    scope: Scope = Scope()
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if not bool(self.raised) == bool(self.lowered) == bool(self.critical):
            raise ValueError("raised, lowered and critical: give all of them, or none")
        if not self.raised and not self.direct:
            raise ValueError("raised or direct: give one of them at least")
