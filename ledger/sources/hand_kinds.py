"""What people enter by hand, and what they exclude from an evaluation, as entries."""

from enum import StrEnum
from typing import Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.core.times import SafeInt


class HandSort(StrEnum):
    """What was entered."""

    PAPER = "paper"
    """What a paper says, with its scan."""
    OBSERVATION = "observation"
    """What somebody saw, and no system records."""
    CORRECTION = "correction"
    """What is right where a record is wrong; that record stays as it is."""


class HandEvent(StrEnum):
    """What can happen to it."""

    ENTERED = "entered"
    CHECKED = "checked"
    """A second person compared it with its source, and agrees."""
    REFUSED = "refused"
    """A second person does not agree; it stays, and a correction can follow."""


class HandState(StrEnum):
    """Where it stands."""

    ENTERED = "entered"
    TO_CHECK = "to-check"
    """The type asks for a second person, and none has looked yet."""
    CHECKED = "checked"
    REFUSED = "refused"


class HandPaper(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The paper: the id that it bears, what it is, where it is kept, and which page of it."""

    id: Name
    title: Name
    place: Name
    page: Name | None = None


class ByHand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="by-hand/1"):
    """Something happened to what was entered by hand as the record of entry `record` of this log.

    `entered` stands directly after that record. `corrects`: the address of the record that it corrects, of this log or
    another. `needs_check`: a second person has to look, as the parameters said when it was entered, or as a value lies
    outside its range (`out_of_range`: why it is right all the same, in the words of who entered it).
    """

    hand: Name
    event: HandEvent
    record: SafeInt
    sort: HandSort
    reason: Text
    authority: Authority
    paper: HandPaper | None = None
    corrects: Name | None = None
    needs_check: bool = False
    out_of_range: Text | None = None

    @property
    def state(self) -> HandState:
        """Where it stands from this entry on."""
        if self.event is HandEvent.ENTERED:
            return HandState.TO_CHECK if self.needs_check else HandState.ENTERED
        return HandState(self.event.value)


class EvaluationSort(StrEnum):
    """What sort of evaluation records are excluded from."""

    ASSESSMENT = "assessment"
    REVIEW = "review"
    CALCULATION = "calculation"


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation, by its sort and the name that the site gives it, such as a period."""

    sort: EvaluationSort
    name: Name


class ExclusionEvent(StrEnum):
    """What happened."""

    EXCLUDED = "excluded"
    LIFTED = "lifted"


class Exclusion(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="exclusion/1"):
    """Records of this log (`members`, as `core.members` writes a set) do not count in an evaluation, or do again.

    They stay where they are, and are shown with the justification.
    """

    exclusion: Name
    event: ExclusionEvent
    members: Text
    evaluation: Evaluation
    justification: Text
    authority: Authority


BY_HAND_KIND: Final = Kind("by-hand", [ByHand])
EXCLUSION_KIND: Final = Kind("exclusion", [Exclusion])
KINDS: Final = (BY_HAND_KIND, EXCLUSION_KIND)
