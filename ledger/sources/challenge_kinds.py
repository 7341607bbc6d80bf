"""Entries about challenges: a harmless change that is planted in a source, and must arrive here as it was made."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Action, Name, Text
from ledger.core.times import SafeInt

BY_HAND = "by-hand"
"""What plants a challenge that a person plants, who then says so."""

ChallengeName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,127}\Z")]
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Natural = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Planting(msgspec.Struct, frozen=True, kw_only=True):
    """How the change is made: by a planter of the registry (`collectors.challenge`), or by hand.

    `options` and `secrets` are pairs, sorted by name; a secret is where it is found, never the secret itself. `value`
    is what is set: a text with `{nonce}`, or `LOW..HIGH` for a whole number between them.
    """

    by: Name
    options: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, str], ...]
    value: Name


class Expected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the record must say. A null member is one that the source does not tell: it is not compared.

    `object_id` may hold `{new}`, where each challenge makes an object of its own. Without an `attribute` the new value
    may stand anywhere in the record's words. `old`: whether the old value is compared too, once it is known.
    """

    object_type: Name | None
    object_id: Name
    attribute: Name | None
    account: Name | None
    action: Action | None
    old: bool
    tolerance_us: Natural
    """So much may the record's time, by the source's measured clock, lie outside of the time of planting."""


class Challenge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="challenge/1"):
    """From here on the source is challenged so: at the instants of `cron` (in `zone`), every `every_s` seconds, or,
    with neither, when somebody asks. `limit_s`: within so many seconds of planting the record must be in the ledger.
    `retired` once it is over.
    """

    challenge: ChallengeName
    source: Name
    planting: Planting
    expected: Expected
    limit_s: Positive
    cron: Name | None
    zone: Name
    every_s: Positive | None
    retired: bool
    reason: Text
    authority: Authority


class RunState(StrEnum):
    """How far a planting is. `begun` is entered before anything is done at the source, so that it is done once only.

    `uncertain`: the source was lost meanwhile; whether the change was made shows when its record arrives.
    """

    BEGUN = "begun"
    PLANTED = "planted"
    UNCERTAIN = "uncertain"


class ChallengeRun(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="challenge-run/1"
):
    """One planting, of the instant `due`, by the definition in entry `definition`. `old` null: not known.

    `begun_at` and `planted_at` are the two ends of the time in which the change was made, by our clock; the record must
    be in the ledger by `deadline`.
    """

    challenge: ChallengeName
    source: Name
    definition: SafeInt
    due: str
    state: RunState
    old: Text | None
    new: Text
    begun_at: str
    planted_at: str | None
    deadline: str
    detail: Text
    authority: Authority


class ResultState(StrEnum):
    """What came of a challenge. `late`: right, but after its limit. `not-planted`: it says nothing about the trail."""

    ARRIVED = "arrived"
    WRONG = "wrong"
    LATE = "late"
    MISSED = "missed"
    NOT_PLANTED = "not-planted"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the record against what was planted."""

    member: Name
    expected: Text
    found: Text
    holds: bool


class ChallengeResult(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="challenge-result/1"
):
    """What came of the planting in entry `run`: the record's entry, and how late it was; the members compared."""

    challenge: ChallengeName
    source: Name
    run: SafeInt
    due: str
    state: ResultState
    record: SafeInt | None
    delay_us: SafeInt | None
    compared: tuple[Compared, ...]
    detail: Text
    authority: Authority


KINDS = (
    Kind("challenge", [Challenge]),
    Kind("challenge-run", [ChallengeRun]),
    Kind("challenge-result", [ChallengeResult]),
)
