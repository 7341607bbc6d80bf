"""The parameters of the rules from D20 on (`core.rule_parameters` has the others, and names them all). All pure."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind, Name
from ledger.core.rule_patterns import Back, Number, PatternList, Patterns, Scope, require_zone
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


class Agreement(ParameterValue, frozen=True, kw_only=True):
    """What two systems tell of the same thing, and how that agrees: `told` by one, and `other` by one of the class
    `system`; the same is what shares all of `links`. The first attribute that a pattern names tells it.

    With a `tolerance` amounts are summed up on each side and differ by no more; else the last of each side are the same
    text, or one of `same`.
    """

    told: PatternList
    other: PatternList
    system: SystemClass
    links: Annotated[tuple[LinkKind, ...], msgspec.Meta(min_length=1, max_length=5)]
    tolerance: Number | None = None
    same: Annotated[tuple[tuple[Name, Name], ...], msgspec.Meta(max_length=1000)] = ()

    def __post_init__(self) -> None:
        if any(one.attribute is None for one in (*self.told, *self.other)):
            raise ValueError("told and other: each names the attribute that tells it")


class D23(ParameterValue, frozen=True, kw_only=True):
    """What has to agree: what two systems tell (`agreements`, set for both), and with `numbers` that the source's own
    follow each other without gaps. What a source counts itself has to agree wherever it was counted.

    `in_flight_s`: how long what lacks on one side may be on its way.
    """

    agreements: Annotated[tuple[Agreement, ...], msgspec.Meta(max_length=100)] = ()
    numbers: bool = False
    in_flight_s: Seconds = 3_600


class D24(ParameterValue, frozen=True, kw_only=True):
    """Releases of batches, and what says until when equipment is calibrated.

    `released`: records of the ERP. `calibrated`: records of the maintenance system whose attribute `due` says until
    when (an instant, or a day as a whole; `zone`: in which a time without an offset is read); they count for `back_s`.
    `reviewed`: the audit trail review of the batch has to be signed before. `grace_s`: how long the other systems
    have to tell.
    """

    released: PatternList
    calibrated: Patterns = ()
    due: Name | None = None
    zone: Name | None = None
    reviewed: bool = True
    back_s: Back = 31_622_400
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if (self.due is None) != (not self.calibrated):
            raise ValueError("calibrated and due: give both, or neither")
        require_zone(self.zone)


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


class D26(ParameterValue, frozen=True, kw_only=True):
    """How many failures of an account to sign in or to sign within a time are too many, and after how many (`guesses`)
    it is suspicious to get in from where the account never came from.
    """

    failures: Annotated[int, msgspec.Meta(ge=2, le=10_000)]
    within_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    guesses: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 3


class D27(ParameterValue, frozen=True, kw_only=True):
    """Sessions from afar into control systems (`started`, `stopped`), what is `written` in these, and permits to work.

    A permit is a record of the maintenance system that fits `approved`, until one fits `ended`; a session names it by a
    `link`, or it is of the same equipment. By `scope` it says from when and until when, and for which asset. A session
    lasts no longer than `session_s`; a permit counts for `back_s`, `grace_s`: how long the other systems have to tell.
    """

    started: PatternList
    approved: PatternList
    stopped: Patterns = ()
    written: Patterns = ()
    ended: Patterns = ()
    scope: Scope = Scope()
    link: LinkKind = LinkKind.ORDER
    session_s: Back = 86_400
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600


class D28(ParameterValue, frozen=True, kw_only=True):
    """What puts an override on and off, and for how long it may be on. `deviation`: records of the quality system that
    raise a deviation, from `back_s` before it to `grace_s` after that time; `phase` and `phase_ended`: a phase in which
    the equipment is worked by hand.
    """

    on: PatternList
    off: PatternList
    longest_s: Seconds
    deviation: Patterns = ()
    phase: Patterns = ()
    phase_ended: Patterns = ()
    back_s: Seconds = 86_400
    grace_s: Seconds = 3_600


LateValue = D20 | D22 | D23 | D24 | D25 | D26 | D27 | D28
LATE_RULES: Final[Mapping[str, type[LateValue]]] = {
    "d20": D20,
    "d22": D22,
    "d23": D23,
    "d24": D24,
    "d25": D25,
    "d26": D26,
    "d27": D27,
    "d28": D28,
}
