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
from ledger.core.errors import SchemaViolation
from ledger.core.record import Action, LinkKind, Name

Seconds = Annotated[int, msgspec.Meta(ge=0, le=3_153_600_000)]
"""Up to a hundred years."""
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
DecimalText = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
"""A decimal as text: `0.05`."""


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
    SCHEMA = "schema"


class _Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Limits(_Value, frozen=True, kw_only=True):
    """How long after it happened, or before, a source may write a record down (seconds), and how near in time its clock
    has to be measured (minutes), and how far off it may be (milliseconds).
    """

    late_s: Seconds
    early_s: Seconds = 2
    clock_within_minutes: Seconds = 60
    clock_tolerance_ms: Seconds = 60_000


class Companion(_Value, frozen=True, kw_only=True):
    """A record of another source and type that shares a link with this one, at most so many seconds away."""

    source: Name
    object_type: Name
    within_s: Seconds


class Profile(_Value, frozen=True, kw_only=True):
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


class Range(_Value, frozen=True, kw_only=True):
    """What an attribute can be: its sort, bounds (inclusive), unit, and the decimal places it is rounded to."""

    attribute: Name
    kind: RangeKind
    low: DecimalText | None = None
    high: DecimalText | None = None
    unit: Name | None = None
    decimals: Annotated[int, msgspec.Meta(ge=0, le=30)] | None = None


class Occupation(_Value, frozen=True, kw_only=True):
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


class ExpectedStep(_Value, frozen=True, kw_only=True):
    """At least so many records of a source and type, of an action if one is named."""

    step: Name
    source: Name
    object_type: Name
    action: Action | None = None
    least: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class Expected(_Value, frozen=True, kw_only=True):
    """Which records of which systems there have to be of a batch."""

    steps: Annotated[tuple[ExpectedStep, ...], msgspec.Meta(min_length=1, max_length=1000)]


class Travel(_Value, frozen=True, kw_only=True):
    """Two workstations, and how many seconds the way between them takes at least; both ways."""

    pairs: Annotated[tuple[tuple[Name, Name, Seconds], ...], msgspec.Meta(max_length=2000)]


class SequencePolicy(StrEnum):
    """Whether a source numbers its records without gaps."""

    EVERY = "every"
    NONE = "none"


class Sequence(_Value, frozen=True, kw_only=True):
    """Whether the source's numbers follow each other, and after how many they begin again (256: 0 follows 255)."""

    policy: SequencePolicy
    wraps: Annotated[int, msgspec.Meta(ge=2, le=2**53 - 1)] | None = None


class Enduring(_Value, frozen=True, kw_only=True):
    """Within how many hours a record is anchored outside; how many copies there are, none older than `copy_days`."""

    anchor_hours: Count = 24
    copies: Count = 2
    copy_days: Count = 90


class Exposure(_Value, frozen=True, kw_only=True):
    """How long a record may lie at its source, where the source's administrator could alter it unseen (seconds)."""

    limit_s: Seconds


class Available(_Value, frozen=True, kw_only=True):
    """Within how many seconds a record is shown."""

    seconds: Seconds = 5


class VagueWords(_Value, frozen=True, kw_only=True):
    """Words and phrases that are no reason (`core.vague`)."""

    words: Annotated[tuple[Name, ...], msgspec.Meta(max_length=2000)]


class Corroboration(_Value, frozen=True, kw_only=True):
    """What else recorded the same value: a tag's attribute at another source, how far it may differ, and how far away
    in time (seconds) it may stand.
    """

    source: Name
    tag: Name
    attribute: Name
    tolerance: DecimalText
    within_s: Seconds


class Schema(_Value, frozen=True, kw_only=True):
    """The units that a source uses, and the codes that its coded attributes can have."""

    units: Annotated[tuple[Name, ...], msgspec.Meta(max_length=2000)]
    codes: Annotated[dict[Name, tuple[Name, ...]], msgspec.Meta(max_length=2000)] = {}


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
    | Schema
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
    ParameterName.SCHEMA: Schema,
}


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
    if isinstance(value, Corroboration):
        _decimal(name, "tolerance", value.tolerance)
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
