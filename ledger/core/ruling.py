"""What people say of rules, as entries of the log whose records they examine: states, challenges, suppressions."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, OriginalRef, Text
from ledger.core.rule_run import Said
from ledger.core.times import SafeInt


class RuleState(StrEnum):
    """What a rule is to a site; where nobody said it is `SHADOW`."""

    DRAFT = "draft"
    """It does not run yet."""
    SHADOW = "shadow"
    """It runs; what it finds informs, and carries no review by exception."""
    VALIDATED = "validated"
    """It was tried on cases of this log, with its parameters: a review by exception may rest on it."""
    RETIRED = "retired"
    """It runs no longer; what it found stays as it is."""


RUNS: Final = frozenset({RuleState.SHADOW, RuleState.VALIDATED})
"""States in which a rule runs."""


class RuleStated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="rule/1"):
    """From here on this version of a rule is in this state; a validated one names its `challenge`, an entry of the
    same log.
    """

    rule: Name
    version: SafeInt
    state: RuleState
    reason: Text
    authority: Authority
    challenge: SafeInt | None = None


class CaseResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rule said in one case, and what it should. `entry`: the record of this log that it examined; without one
    it examined a record that was placed for the trial and taken out again. `said` null: it does not look at it.
    """

    name: Name
    expected: Said
    said: Said | None
    why: Text = ""
    entry: SafeInt | None = None

    @property
    def holds(self) -> bool:
        """Whether the rule said what was expected."""
        return self.said is self.expected


class RuleChallenge(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="rule-challenge/1"
):
    """A version of a rule, tried as of a `size` of this log. `parameters`: the entries that set what it goes by, as
    they were in force; `given`: the cases as they were given.
    """

    rule: Name
    version: SafeInt
    size: SafeInt
    parameters: Annotated[tuple[SafeInt, ...], msgspec.Meta(max_length=10_000)]
    cases: Annotated[tuple[CaseResult, ...], msgspec.Meta(min_length=1, max_length=100)]
    given: OriginalRef
    reason: Text
    authority: Authority

    @property
    def lacking(self) -> str:
        """Why the rule is not validated by it, in words; empty if nothing is wrong."""
        for case in self.cases:
            if not case.holds:
                said = "nothing, as it does not look at the record" if case.said is None else case.said.value
                return f"case {case.name!r} should say {case.expected.value}, and says {said}"
        expected = {case.expected for case in self.cases}
        if Said.FINDING not in expected:
            return "none of its cases is a finding"
        if not expected & {Said.CLEAR, Said.EXPLAINED}:
            return "none of its cases is a near miss: one that is clear or explained"
        return ""


class SuppressionEvent(StrEnum):
    """What becomes of what is looked past."""

    SET = "set"
    REVOKED = "revoked"


class Suppression(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="suppression/1"
):
    """From `since` to before `until` findings of a rule are looked past, where they are about records of this source,
    type of object and object (null: of any); they stay. An entry for the same scope takes the place of the one before;
    once that is revoked, nothing of the scope is looked past any more.
    """

    rule: Name
    since: str
    until: str
    reason: Text
    authority: Authority
    source: Name | None = None
    object_type: Name | None = None
    object_id: Name | None = None
    event: SuppressionEvent = SuppressionEvent.SET


RULE_STATED: Final = Kind("rule", [RuleStated])
RULE_CHALLENGE: Final = Kind("rule-challenge", [RuleChallenge])
SUPPRESSION: Final = Kind("suppression", [Suppression])
