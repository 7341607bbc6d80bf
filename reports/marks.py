"""What is said beside a package's records: entered by hand, corrected, excluded; by entries of the package's own log.

Fed with those entries in order, and then asked of each record; by whoever writes a package and by whoever verifies it
alike. It rests on `ledger.core` alone: bodies are read as far as they are needed here.
"""

from typing import Literal

import msgspec

from ledger.core.errors import IntegrityError
from ledger.core.members import Members
from reports.lines import EntryLine, EntryRole, RecordMarks
from reports.reading import body_of

_OVER = frozenset({"checked", "refused"})


class Known(msgspec.Struct, frozen=True):
    """Who caused an entry, and whether they are known."""

    actor: str
    authenticated: bool


class HandBody(msgspec.Struct, frozen=True, tag_field="schema", tag="by-hand/1"):
    """Something happened to what was entered by hand as the record of an entry."""

    hand: str
    event: str
    record: int
    authority: Known
    corrects: str | None = None
    needs_check: bool = False


class EvaluationBody(msgspec.Struct, frozen=True):
    """What records are excluded from."""

    sort: Literal["assessment", "review", "calculation"]
    name: str


class ExclusionBody(msgspec.Struct, frozen=True, tag_field="schema", tag="exclusion/1"):
    """Records do not count in an evaluation, or do again."""

    exclusion: str
    event: str
    members: str
    evaluation: EvaluationBody
    justification: str


class _Hand(msgspec.Struct):
    entry: int
    entered: HandBody
    state: str


class Excluding(msgspec.Struct):
    """An exclusion, by its entry and what that says; `lifted`: what the entry says by which it ended."""

    entry: int
    body: ExclusionBody
    members: Members
    lifted: ExclusionBody | None = None


class Marks:
    """The entries of one log that mark its records, as far as they went by."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._hands: dict[str, _Hand] = {}
        self._of: dict[int, _Hand] = {}
        self._corrected: dict[str, list[int]] = {}
        self._excluded: dict[str, Excluding] = {}
        self.seen = 0

    def enter(self, line: EntryLine) -> None:
        """Takes the next entry of one of the roles; raises IntegrityError for one that does not hold."""
        self.seen += 1
        if line.role is EntryRole.BY_HAND:
            self._hand(line.index, body_of(line, HandBody))
        else:
            self._exclusion(line.index, body_of(line, ExclusionBody))

    def of(self, index: int) -> RecordMarks | None:
        """The marks of a record; None where it has none."""
        mine = self._of.get(index)
        found = RecordMarks(
            by_hand=None if mine is None else mine.state,
            corrects=None if mine is None else mine.entered.corrects,
            corrected_by=tuple(self._corrected.get(self.address(index), ())),
            excluded=tuple(one.entry for one in self.exclusions(index)),
        )
        return None if found == RecordMarks() else found

    def check(self, index: int, by_hand: bool, shown: RecordMarks | None) -> None:
        """Raises IntegrityError where a record shows other marks than the entries give; `by_hand`: its source is one
        that people enter.
        """
        if by_hand and index not in self._of:
            raise IntegrityError("its source is entered by hand, and the entry that says who did is not there")
        if shown != self.of(index):
            raise IntegrityError("does not say that it was entered by hand, corrected or excluded as the entries do")

    def address(self, index: int) -> str:
        """The address of a record of this log."""
        return f"{self._origin}#{index}"

    def exclusions(self, index: int) -> list[Excluding]:
        """What excludes a record, or did."""
        return [one for one in self._excluded.values() if index in one.members]

    def _hand(self, index: int, body: HandBody) -> None:
        known = self._hands.get(body.hand)
        if not body.authority.authenticated:
            raise IntegrityError(f"{body.authority.actor} is nobody who is known")
        if body.event == "entered":
            if known is not None or index != body.record + 1:
                raise IntegrityError("does not stand directly after the record that it says was entered")
            made = _Hand(index, body, "to-check" if body.needs_check else "entered")
            self._hands[body.hand] = self._of[body.record] = made
            if body.corrects is not None:
                self._corrected.setdefault(body.corrects, []).append(body.record)
            return
        if known is None or known.entered.record != body.record or known.state in _OVER or body.event not in _OVER:
            raise IntegrityError(f"nothing was entered by hand as {body.hand!r} that this could happen to")
        if known.entered.authority.actor == body.authority.actor:
            raise IntegrityError(f"{body.authority.actor} entered it, and does not check it")
        known.state = body.event

    def _exclusion(self, index: int, body: ExclusionBody) -> None:
        known = self._excluded.get(body.exclusion)
        if body.event == "excluded" and known is None:
            self._excluded[body.exclusion] = Excluding(index, body, Members.read(body.members))
        elif (
            body.event == "lifted" and known is not None and known.lifted is None and known.body.members == body.members
        ):
            known.lifted = body
        else:
            raise IntegrityError(f"there is no exclusion {body.exclusion!r} that this could happen to")
