"""Parameters: by what records are judged, for a source and type of object or for all of them. All pure.

A parameter that nobody has set is never guessed: what it would judge is then *not assessable*, and names it. Values are
kept with every member written out, so that a default that changes later changes none that was set before.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec

from ledger.core import canonical
from ledger.core.bounds import Count, DecimalText, ParameterValue, Seconds
from ledger.core.errors import SchemaViolation
from ledger.core.record import Action, LinkKind, Name
from ledger.core.rule_parameters import RULES, RuleValue
from ledger.core.system_class import SystemClass


class ParameterName(StrEnum):
    """What there is to set; each has a struct of its own."""

    LIMITS = "limits"
    PROFILE = "profile"
    RANGE = "range"
    OCCUPATION = "occupation"
    EXPECTED = "expected"
    TRAVEL = "travel"
    SEQUENCE = "sequence"
    ENDURING = "enduring"
    EXPOSURE = "exposure"
    AVAILABLE = "available"
    VAGUE_WORDS = "vague-words"
    CORROBORATION = "corroboration"
    CROSS_FOOTING = "cross-footing"
    SCHEMA = "schema"
    SYSTEM = "system"
    D01 = "d01"
    D02 = "d02"
    D03 = "d03"
    D05 = "d05"
    D06 = "d06"
    D09 = "d09"
    D12 = "d12"
    D13 = "d13"
    D14 = "d14"
    D15 = "d15"
    D16 = "d16"
    D17 = "d17"
    D19 = "d19"
    D20 = "d20"
    D22 = "d22"
    D23 = "d23"
    D24 = "d24"
    D25 = "d25"
    D26 = "d26"
    D27 = "d27"
    D28 = "d28"
    RISK = "risk"
    DEVIATIONS = "deviations"


class Limits(ParameterValue, frozen=True, kw_only=True):
    """How long after it happened, or before, a source may write a record down (seconds), and how near in time its clock
    has to be measured (minutes), and how far off it may be (milliseconds).
    """

    late_s: Seconds
    early_s: Seconds = 2
    clock_within_minutes: Seconds = 60
    clock_tolerance_ms: Seconds = 60_000


class Companion(ParameterValue, frozen=True, kw_only=True):
    """A record of another source and type that shares a link with this one, at most so many seconds away."""

    source: Name
    object_type: Name
    within_s: Seconds


class Profile(ParameterValue, frozen=True, kw_only=True):
    """What a record of a type has to have: old and new value, a reason, links (read, derived or resolved), a change
    request, a signature, companions; `hand_check`: what is entered by hand is checked by a second person.
    """

    old: bool
    new: bool
    reason: bool
    links: tuple[LinkKind, ...] = ()
    change_request: bool = False
    signature: bool = False
    companions: Annotated[tuple[Companion, ...], msgspec.Meta(max_length=100)] = ()
    hand_check: bool = False


class RangeKind(StrEnum):
    """What sort of value it is."""

    DECIMAL = "decimal"
    INTEGER = "integer"
    TEXT = "text"


class Range(ParameterValue, frozen=True, kw_only=True):
    """What an attribute can be: its sort, bounds (inclusive), unit, and the decimal places it is rounded to."""

    attribute: Name
    kind: RangeKind
    low: DecimalText | None = None
    high: DecimalText | None = None
    unit: Name | None = None
    decimals: Annotated[int, msgspec.Meta(ge=0, le=30)] | None = None


class Occupation(ParameterValue, frozen=True, kw_only=True):
    """What belongs to a batch around the time in which it occupies an asset of a class (`type`).

    Before: back to the last record whose object is of one of `before_types`, within `before_max_s`; without one
    `lead_s`. After: up to the first of `after_types`, within `after_max_s`; without one `tail_s`.
    """

    lead_s: Seconds = 0
    tail_s: Seconds = 0
    before_types: tuple[Name, ...] = ()
    before_max_s: Seconds = 0
    after_types: tuple[Name, ...] = ()
    after_max_s: Seconds = 0


class ExpectedStep(ParameterValue, frozen=True, kw_only=True):
    """At least so many records of a source and type, of an action if one is named."""

    step: Name
    source: Name
    object_type: Name
    action: Action | None = None
    least: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class Expected(ParameterValue, frozen=True, kw_only=True):
    """Which records of which systems there have to be of a batch."""

    steps: Annotated[tuple[ExpectedStep, ...], msgspec.Meta(min_length=1, max_length=1000)]


class Travel(ParameterValue, frozen=True, kw_only=True):
    """Two workstations, and how many seconds the way between them takes at least; both ways."""

    pairs: Annotated[tuple[tuple[Name, Name, Seconds], ...], msgspec.Meta(max_length=2000)]


class SequencePolicy(StrEnum):
    """Whether a source numbers its records without gaps."""

    EVERY = "every"
    NONE = "none"


class Sequence(ParameterValue, frozen=True, kw_only=True):
    """Whether the source's numbers follow each other, and after how many they begin again (256: 0 follows 255)."""

    policy: SequencePolicy
    wraps: Annotated[int, msgspec.Meta(ge=2, le=2**53 - 1)] | None = None


class Enduring(ParameterValue, frozen=True, kw_only=True):
    """Within how many hours a record is anchored outside; how many copies there are, none older than `copy_days`."""

    anchor_hours: Count = 24
    copies: Count = 2
    copy_days: Count = 90


class Exposure(ParameterValue, frozen=True, kw_only=True):
    """How long a record may lie at its source, where the source's administrator could alter it unseen (seconds)."""

    limit_s: Seconds


class Available(ParameterValue, frozen=True, kw_only=True):
    """Within how many seconds a record is shown."""

    seconds: Seconds = 5


class VagueWords(ParameterValue, frozen=True, kw_only=True):
    """Words and phrases that are no reason (`core.vague`)."""

    words: Annotated[tuple[Name, ...], msgspec.Meta(max_length=2000)]


class Corroboration(ParameterValue, frozen=True, kw_only=True):
    """What else recorded the same value: a tag's attribute at another source, how far it may differ, and how far away
    in time (seconds) it may stand.
    """

    source: Name
    tag: Name
    attribute: Name
    tolerance: DecimalText
    within_s: Seconds


class Parts(ParameterValue, frozen=True, kw_only=True):
    """What a total is made of: the objects of a source and type that share a link of this kind with its record and were
    told of before it, `within_s` seconds at most. `attribute`: what is summed up; null: the objects are counted.
    """

    source: Name
    object_type: Name
    link: LinkKind
    within_s: Seconds
    attribute: Name | None = None


class CrossFooting(ParameterValue, frozen=True, kw_only=True):
    """What foots with what: an attribute is the sum of others of its own record (`addends`) or of `parts` that other
    records tell, within a tolerance.
    """

    attribute: Name
    addends: Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)] = ()
    parts: Parts | None = None
    tolerance: DecimalText = "0"


class Schema(ParameterValue, frozen=True, kw_only=True):
    """The units that a source uses, and the codes that its coded attributes can have."""

    units: Annotated[tuple[Name, ...], msgspec.Meta(max_length=2000)]
    codes: Annotated[dict[Name, tuple[Name, ...]], msgspec.Meta(max_length=2000)] = msgspec.field(default_factory=dict)


class System(ParameterValue, frozen=True, kw_only=True):
    """Of which classes of systems a source is: it is then what rules that need such a one go by."""

    classes: Annotated[tuple[SystemClass, ...], msgspec.Meta(min_length=1, max_length=50)]


class Risk(ParameterValue, frozen=True, kw_only=True):
    """How much the data bear on product and patient (`criticality`), and how easily they are altered unseen
    (`vulnerability`), each from 1 to 3; whether they directly decide a release: then no finding about them is deferred.
    """

    criticality: Annotated[int, msgspec.Meta(ge=1, le=3)]
    vulnerability: Annotated[int, msgspec.Meta(ge=1, le=3)]
    decides_release: bool = False


class Deviations(ParameterValue, frozen=True, kw_only=True):
    """Where a source's records say how a deviation stands: the type of object that is one, the attribute of its status,
    and by which values of that it is closed.
    """

    object_type: Name
    attribute: Name
    closed: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=100)]


Value = (
    Limits
    | Profile
    | Range
    | Occupation
    | Expected
    | Travel
    | Sequence
    | Enduring
    | Exposure
    | Available
    | VagueWords
    | Corroboration
    | CrossFooting
    | Schema
    | System
    | RuleValue
    | Risk
    | Deviations
)
STRUCTS: Final[Mapping[ParameterName, type[Value]]] = {
    ParameterName.LIMITS: Limits,
    ParameterName.PROFILE: Profile,
    ParameterName.RANGE: Range,
    ParameterName.OCCUPATION: Occupation,
    ParameterName.EXPECTED: Expected,
    ParameterName.TRAVEL: Travel,
    ParameterName.SEQUENCE: Sequence,
    ParameterName.ENDURING: Enduring,
    ParameterName.EXPOSURE: Exposure,
    ParameterName.AVAILABLE: Available,
    ParameterName.VAGUE_WORDS: VagueWords,
    ParameterName.CORROBORATION: Corroboration,
    ParameterName.CROSS_FOOTING: CrossFooting,
    ParameterName.SCHEMA: Schema,
    ParameterName.SYSTEM: System,
    ParameterName.RISK: Risk,
    ParameterName.DEVIATIONS: Deviations,
    **{ParameterName(name): kind for name, kind in RULES.items()},
}
NAMES: Final[Mapping[type[Any], ParameterName]] = {kind: name for name, kind in STRUCTS.items()}


def read(name: ParameterName, text: str | bytes) -> Value:
    """The value that a text (JSON) gives a parameter; raises SchemaViolation, naming the member that is wrong."""
    try:
        value: Value = msgspec.json.decode(text, type=STRUCTS[name])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise SchemaViolation(
            f"parameter {name.value}: {error}", advice=f"It has the members {', '.join(members(name))}."
        ) from None
    _check(name, value)
    return value


def written(value: Value) -> str:
    """A value as entries hold it: canonical JSON with every member."""
    return canonical.dumps(msgspec.to_builtins(value)).decode()


def members(name: ParameterName) -> tuple[str, ...]:
    """The members of a parameter's value, those first that have to be given."""
    fields = msgspec.structs.fields(STRUCTS[name])
    return tuple(one.name for one in sorted(fields, key=lambda one: not one.required))


class Applying(Protocol):
    """A value, or that there is none any more (`removed`), for a source and type (None: all), from `applies_us` on
    (None: always).
    """

    @property
    def source(self) -> str | None: ...
    @property
    def type(self) -> str | None: ...
    @property
    def applies_us(self) -> int | None: ...
    @property
    def removed(self) -> bool: ...


One = TypeVar("One", bound=Applying)


def most_specific(candidates: Iterable[One], source: str | None, type: str | None, moment_us: int) -> One | None:
    """Which of the candidates of one name holds for a record of that source and type at its moment; None: none does.

    Of the source and type before of the source, before of the type, before of all; among these the latest that applies
    by then. Where that one was removed, the next general one holds.
    """
    known = list(candidates)
    for wanted in ((source, type), (source, None), (None, type), (None, None)):
        began = [
            one
            for one in known
            if (one.source, one.type) == wanted and (one.applies_us is None or one.applies_us <= moment_us)
        ]
        latest = max(began, key=_since, default=None)
        if latest is not None and not latest.removed:
            return latest
    return None


def _since(one: Applying) -> tuple[bool, int]:
    return one.applies_us is not None, one.applies_us or 0


def _check(name: ParameterName, value: Any) -> None:
    """What no type says: decimals are such, and bounds are in order."""
    if isinstance(value, Corroboration | CrossFooting):
        _decimal(name, "tolerance", value.tolerance)
    if isinstance(value, CrossFooting) and bool(value.addends) == (value.parts is not None):
        raise SchemaViolation(
            f"parameter {name.value}: a total is made of either addends or parts", advice="Give one of the two."
        )
    if not isinstance(value, Range):
        return
    if value.kind is RangeKind.TEXT and (value.low, value.high, value.decimals) != (None, None, None):
        raise SchemaViolation(f"parameter {name.value}: a text has neither low nor high nor decimals")
    low, high = (
        None if text is None else _decimal(name, member, text)
        for member, text in (("low", value.low), ("high", value.high))
    )
    if low is not None and high is not None and low > high:
        raise SchemaViolation(f"parameter {name.value}: low {value.low} is more than high {value.high}")


def _decimal(name: ParameterName, member: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise SchemaViolation(
            f"parameter {name.value}: {text!r} is no decimal - at `$.{member}`", advice="Write it as 0.05."
        )
    return number
