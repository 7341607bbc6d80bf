"""The parameter of rule D20. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import Name
from ledger.core.rule_parameters.patterns import Back, PatternList, Patterns, Scope
from ledger.core.system_class import SystemClass


class AlarmLimit(ParameterValue, frozen=True, kw_only=True):
    """An attribute of a type of object beyond whose value an alarm is raised: above it (`high`), else below it."""

    object_type: Name
    attribute: Name
    high: bool


class D20(ParameterValue, frozen=True, kw_only=True):
    """What is done about alarms, and what has to go with it.

    An alarm is `acknowledged` with a reason, or from `back_s` before to `comment_s` after with a record of its object
    that fits `commented`, or of the quality system that fits `deviation` and is of the same equipment. It is shelved
    (`shelved`) until `unshelved`, for `shelved_s` at most. A limit is not widened and set back within `restored_s`
    around what fits `excursion`, or a number, in the attribute that one of `values` names, that is beyond the limit as
    it was. Whoever acknowledges is on duty by `on_duty` and `off_duty`, records of systems of the class `duty` that
    count for `duty_s`. Guard: a test of the equipment (`test`, `test_ended`) that names a change request which is
    `approved` (and not `ended`), and allows it by `scope`. `grace_s`: how long the other systems have to tell.
    """

    acknowledged: PatternList
    commented: Patterns = ()
    deviation: Patterns = ()
    comment_s: Seconds = 3_600
    shelved: Patterns = ()
    unshelved: Patterns = ()
    shelved_s: Seconds = 28_800
    limits: Annotated[tuple[AlarmLimit, ...], msgspec.Meta(max_length=1000)] = ()
    restored_s: Seconds = 28_800
    excursion: Patterns = ()
    values: Patterns = ()
    on_duty: Patterns = ()
    off_duty: Patterns = ()
    duty: SystemClass = SystemClass.MES
    duty_s: Seconds = 57_600
    test: Patterns = ()
    test_ended: Patterns = ()
    approved: Patterns = ()
    ended: Patterns = ()
    scope: Scope = Scope()
    back_s: Back = 86_400
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if any(one.attribute is None for one in self.values):
            raise ValueError("values: each names the attribute that tells the value")
        if bool(self.test) != bool(self.approved):
            raise ValueError("test and approved: give both, or neither")
