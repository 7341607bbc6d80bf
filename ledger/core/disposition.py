"""What people decide of findings of rules, as entries of the log whose records these rest on."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.signature import Statement

MAX_FINDINGS: Final = 1000
"""Findings that are decided of together."""
Findings = Annotated[tuple[Digest, ...], msgspec.Meta(min_length=1, max_length=MAX_FINDINGS)]
"""Findings by their keys (`findings.kinds.RuleFinding`)."""


class Judgement(StrEnum):
    """What a finding is, as somebody who looked at its records judges it."""

    CONFIRMED = "confirmed"
    """It is what the rule says that it is."""
    DISMISSED = "dismissed"
    """The rule is wrong: a false positive."""
    EXPLAINED = "explained"
    """The rule is right, and what happened was in order."""


class Disposition(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="disposition/1"
):
    """Somebody judged these findings; a later disposition of one of them takes the place of this one, and both stay.

    `case`: the name of the cause that several findings share. `deviation` and `capa`: numbers in the quality system.
    """

    findings: Findings
    judgement: Judgement
    reason: Text
    authority: Authority
    case: Name | None = None
    deviation: Name | None = None
    capa: Name | None = None


class Deferral(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="deferral/1"):
    """These findings do not keep the review of a batch open until an instant (UTC), once an approver has signed this.

    `scope`: what may go on meanwhile; `risk`: why that is no risk to the patient. A later deferral of a finding takes
    the place of this one.
    """

    findings: Findings
    batch: Name
    scope: Text
    risk: Text
    expires_at: Name
    authority: Authority
    product: Name | None = None


APPROVES: Final = "approved"
APPROVERS: Final = ("approver", "qualified-person")
"""What a signature over a deferral has to mean, and in which of these roles it is given."""


def defers(body: Deferral, statement: Statement) -> bool:
    """Whether a signature over a deferral puts it in force: an approver's who did not ask for it."""
    own = statement.signer.account == body.authority.actor
    return not own and statement.meaning.code == APPROVES and statement.signer.role in APPROVERS


class Deviation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="deviation/1"):
    """A deviation was raised for these findings in the quality system, which gave it a number.

    `source`: under which id that system's records are collected here; `case`: the cause that the findings share.
    """

    findings: Findings
    source: Name
    number: Name
    title: Name
    authority: Authority
    case: Name | None = None


DISPOSITION: Final = Kind("disposition", [Disposition])
DEFERRAL: Final = Kind("deferral", [Deferral])
DEVIATION: Final = Kind("deviation", [Deviation])
