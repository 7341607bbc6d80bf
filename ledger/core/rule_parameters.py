"""The parameters of rules, each named by its rule's id: what a site's own types, attributes and states mean to a rule.

A rule reads those that hold for the source and type of the record that it examines. All pure.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.clock import parse_utc
from ledger.core.errors import NotCanonical
from ledger.core.record import LinkKind, Name
from ledger.core.rule_parameters_d20 import D20 as D20
from ledger.core.rule_parameters_d20 import D22 as D22
from ledger.core.rule_parameters_d20 import D23 as D23
from ledger.core.rule_parameters_d20 import D24 as D24
from ledger.core.rule_parameters_d20 import D25 as D25
from ledger.core.rule_parameters_d20 import D26 as D26
from ledger.core.rule_parameters_d20 import D27 as D27
from ledger.core.rule_parameters_d20 import D28 as D28
from ledger.core.rule_parameters_d20 import LATE_RULES, LateValue
from ledger.core.rule_patterns import Adjustable as Adjustable
from ledger.core.rule_patterns import Attributes as Attributes
from ledger.core.rule_patterns import Back, NameList, Names, Number, PatternList, Patterns, SpecifiedList
from ledger.core.rule_patterns import Pattern as Pattern
from ledger.core.rule_patterns import Scope as Scope
from ledger.core.rule_patterns import Specified as Specified


class D01(ParameterValue, frozen=True, kw_only=True):
    """What switches a source's audit trail off or narrows it, and what switches it on.

    `inspections`: instants (UTC) of inspections and reviews; switched on within `shortly_s` before one is found too.
    `silent_s`: how long a source that always has something to tell is silent at most while other systems tell of
    `activity`. `approved` and `ended`: patterns of records by which a change or planned downtime is in force, named by
    a change request, or, by `scope`, for the source whose id its `object_id` says; it counts for `back_s`. `grace_s`:
    how long the other systems have to tell.
    """

    off: Patterns = ()
    on: Patterns = ()
    inspections: Names = ()
    shortly_s: Seconds = 1_209_600
    silent_s: Back | None = None
    activity: Patterns = ()
    approved: Patterns = ()
    ended: Patterns = ()
    scope: Scope = Scope()
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        try:
            list(map(parse_utc, self.inspections))
        except NotCanonical as error:
            raise ValueError(f"inspections: {error.message}") from None
        if (self.silent_s is None) != (not self.activity):
            raise ValueError("silent_s and activity: give both, or neither")


class D02(ParameterValue, frozen=True, kw_only=True):
    """Set points and recipes, and what approves that they are changed.

    `approved`: records of the quality or maintenance system that approve a change of an asset; `ended`: that end it or
    take it back. `back_s`: how long before an approval may lie; `grace_s`: how long the other system has to tell.
    """

    set_points: Annotated[tuple[Attributes, ...], msgspec.Meta(min_length=1, max_length=100)]
    approved: PatternList
    ended: Patterns = ()
    scope: Scope = Scope()
    adjustable: Annotated[tuple[Adjustable, ...], msgspec.Meta(max_length=2000)] = ()
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600


class D03(ParameterValue, frozen=True, kw_only=True):
    """Programs of controllers and panels, by the attributes that tell their version or checksum, and what approves that
    they are changed.

    `differs`: records that say that a program is not the one that it should be, such as an upload that is not its
    baseline. `approved`, `ended`, `scope` and `back_s` are of changes, as of `D02`; a change that `emergency` records
    call one may be approved up to `retrospective_s` after it was made. `grace_s`: how long the other system has to
    tell.
    """

    programs: Annotated[tuple[Attributes, ...], msgspec.Meta(min_length=1, max_length=100)]
    approved: PatternList
    differs: Patterns = ()
    ended: Patterns = ()
    scope: Scope = Scope()
    emergency: Patterns = ()
    retrospective_s: Back = 259_200
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600


class Attestation(ParameterValue, frozen=True, kw_only=True):
    """What a signature attests: an event of the same equipment, or with `link` of the same batch, order or other thing.

    `since`: what happened before the last of these does not count, such as the cleaning before a vessel was used again.
    """

    signed: PatternList
    event: PatternList
    since: Patterns = ()
    link: LinkKind | None = None


class D16(ParameterValue, frozen=True, kw_only=True):
    """Signatures and what they attest. `within_s`: how long before its signature an event may lie; `grace_s`: how long
    after the signature the event is looked for, and the control system has to tell.
    """

    attestations: Annotated[tuple[Attestation, ...], msgspec.Meta(min_length=1, max_length=100)]
    within_s: Back = 86_400
    grace_s: Seconds = 3_600


class Required(ParameterValue, frozen=True, kw_only=True):
    """For which acts one has to be trained in what: a document, as training names it."""

    acts: PatternList
    document: Name


class D06(ParameterValue, frozen=True, kw_only=True):
    """What says that somebody is not there, or may not do something (any more).

    `left` and `entered`: passages at doors out of the site and into it, which count for `passage_s`. `absent` and
    `present`: records of a person by which they are absent, as long as `absence` says (`valid_from`, `valid_to`,
    `zone`), and there again; they count for `back_s`. `trained` and `withdrawn`: records of a person and a document by
    which they are trained, as long as `qualification` says, and no longer. `remote`: the channels by which people work
    from afar; with `permits` (and `permits_ended`) only who is permitted to by one. `grace_s`: how long the other
    systems have to tell.
    """

    left: Patterns = ()
    entered: Patterns = ()
    passage_s: Back = 57_600
    absent: Patterns = ()
    present: Patterns = ()
    absence: Scope = Scope()
    back_s: Back = 2_678_400
    required: Annotated[tuple[Required, ...], msgspec.Meta(max_length=1000)] = ()
    trained: Patterns = ()
    withdrawn: Patterns = ()
    qualification: Scope = Scope()
    remote: Names = ()
    permits: Patterns = ()
    permits_ended: Patterns = ()
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if bool(self.left) != bool(self.entered):
            raise ValueError("left and entered: give both, or neither")
        if bool(self.required) != bool(self.trained):
            raise ValueError("required and trained: give both, or neither")


class D09(ParameterValue, frozen=True, kw_only=True):
    """What edits a historian's archive after the fact, and what explains that.

    `edited`: records that change, remove or insert archived values; `inserted`: values that are told as they were
    written. At least `many` of these, each written more than `late_s` after its time and within `within_s` of the one
    before, are a bulk insert. `replay`: the attribute that names the buffer replay, which a record that fits `replayed`
    logs; `value_time`: the attribute that says of which time the value is (an instant). A batch is released by a record
    of the MES or ERP that fits `released` and names it. `specified`: a value outside of it is an excursion. `grace_s`:
    how long the historian has to log a replay.
    """

    edited: PatternList
    inserted: Patterns = ()
    many: Annotated[int, msgspec.Meta(ge=2, le=1_000_000)] = 10
    late_s: Seconds = 3_600
    within_s: Back = 60
    replay: Name | None = None
    replayed: Patterns = ()
    value_time: Name | None = None
    released: Patterns = ()
    specified: SpecifiedList = ()
    grace_s: Seconds = 3_600


class D12(ParameterValue, frozen=True, kw_only=True):
    """Results, and what makes a later change of one suspicious.

    Out of specification is a value outside of `specified`, and what a record that fits `out` tells; a result is
    verified by a record of its object that fits `verified`, until one fits `reopened`; it is released by a record of
    the ERP that fits `released` and shares a `link`. `investigated`: records of the quality system that approve an
    investigation, whose id the change has to bear as a deviation. `grace_s`: how long the quality system has to tell.
    """

    results: Annotated[tuple[Attributes, ...], msgspec.Meta(min_length=1, max_length=100)]
    verified: PatternList
    investigated: PatternList
    reopened: Patterns = ()
    out: Patterns = ()
    specified: SpecifiedList = ()
    released: Patterns = ()
    link: LinkKind = LinkKind.BATCH
    grace_s: Seconds = 3_600


class Replicates(ParameterValue, frozen=True, kw_only=True):
    """How many results of a test its method takes together as one determination."""

    test: Name
    many: Annotated[int, msgspec.Meta(ge=2, le=1_000)]


class D13(ParameterValue, frozen=True, kw_only=True):
    """Results of tests, which of them fail and pass, and what opens and closes an investigation of a failure.

    A result fails where it gives the attribute `verdict` one of the values `failed`, or a number that is out of
    `specified`; it passes with one of the values `passed`, or numbers that are within. `test`: the attribute that names
    the test; null: the attribute that tells the result does. Results are of the same lot where they share a `link`; so
    is an investigation, or a result names it as a deviation. `investigated_test`: the attribute of an investigation
    that says of which test alone it is. `back_s`: how long before a pass a failure counts; `grace_s`: how long the
    quality system has to tell.
    """

    results: PatternList
    opened: PatternList
    closed: Patterns = ()
    verdict: Name | None = None
    failed: Names = ()
    passed: Names = ()
    specified: SpecifiedList = ()
    test: Name | None = None
    investigated_test: Name | None = None
    replicates: Annotated[tuple[Replicates, ...], msgspec.Meta(max_length=1000)] = ()
    link: LinkKind = LinkKind.BATCH
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if (self.verdict is None) != (not (self.failed and self.passed)):
            raise ValueError("verdict, failed and passed: give all, or none")
        if self.verdict is None and not self.specified:
            raise ValueError("verdict or specified: give one, or nothing fails")


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


class D15(ParameterValue, frozen=True, kw_only=True):
    """Runs of instruments that have to belong to `tests` of the LIMS, and `results` of it that have to have a run, by a
    `link` that both share; `calibrations`: runs that need no test. `back_s` and `grace_s`: how long before and after a
    record the other system may tell of its partner.
    """

    runs: PatternList
    tests: PatternList
    results: Patterns = ()
    calibrations: Patterns = ()
    link: LinkKind = LinkKind.SAMPLE
    back_s: Seconds = 2_592_000
    grace_s: Seconds = 86_400


class D05(ParameterValue, frozen=True, kw_only=True):
    """By which channels people work from afar, so that they need not be where the terminal is."""

    remote: NameList


class Compared(ParameterValue, frozen=True, kw_only=True):
    """An attribute that people enter, and the readings that it is held against: of the same equipment, or with `link`
    of the same batch, order or other thing; with `tags` those of these objects only.

    They agree where they are no further apart than `tolerance`, in the unit that both are told in.
    """

    object_type: Name
    attribute: Name
    reading_type: Name
    reading: Name
    tolerance: Number
    tags: Names = ()
    link: LinkKind | None = None

    def __post_init__(self) -> None:
        if Decimal(self.tolerance) < 0:
            raise ValueError(f"tolerance {self.tolerance} is less than nothing")


class D17(ParameterValue, frozen=True, kw_only=True):
    """What people enter, and what equipment measured then: what was read `within_s` before or after, and the last that
    was read before, for `hold_s`.

    `fault` and `fault_ended`: records of the same equipment by which its sensor is at fault, and no longer; a fault
    counts for `back_s`. `grace_s`: how long the equipment's systems have to tell.
    """

    compared: Annotated[tuple[Compared, ...], msgspec.Meta(min_length=1, max_length=1000)]
    within_s: Seconds = 60
    hold_s: Seconds = 3_600
    fault: Patterns = ()
    fault_ended: Patterns = ()
    back_s: Back = 86_400
    grace_s: Seconds = 3_600


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


RuleValue = D01 | D02 | D03 | D05 | D06 | D09 | D12 | D13 | D14 | D15 | D16 | D17 | D19 | LateValue
"""The value of a rule's parameter."""
RULES: Final[Mapping[str, type[RuleValue]]] = {
    "d01": D01,
    "d02": D02,
    "d03": D03,
    "d05": D05,
    "d06": D06,
    "d09": D09,
    "d12": D12,
    "d13": D13,
    "d14": D14,
    "d15": D15,
    "d16": D16,
    "d17": D17,
    "d19": D19,
    **LATE_RULES,
}
"""The structs by the ids of their rules."""
