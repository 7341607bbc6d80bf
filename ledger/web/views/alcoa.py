"""One record by the checks of ALCOA+ and Traceable: what holds, what fails, and what is missing to tell."""

from typing import Final

import msgspec

from ledger.core.address import LogId
from ledger.present.messages import message
from ledger.present.states import State
from ledger.review.alcoa.assess import Assessor
from ledger.review.alcoa.attributes import Result
from ledger.review.alcoa.reading import assessment_of
from ledger.store.reading import LogReader

STATES: Final = {Result.HOLDS: State.HOLDS, Result.FAIL: State.FAILS, Result.NOT_ASSESSABLE: State.UNKNOWN}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A check in words; `why`: what fails or is missing."""

    check: str
    attribute: str
    asked: str
    state: State
    result: str
    why: str


class AssessmentView(msgspec.Struct, frozen=True, kw_only=True):
    """The page: an entry, the size it was assessed as of, and a line a check."""

    log: LogId
    index: int
    size: int
    lines: tuple[Line, ...]


def assessment_view(assessor: Assessor, reader: LogReader, log: LogId, size: int, index: int) -> AssessmentView:
    """Assesses the record; raises as `assessment_of`."""
    found = assessment_of(assessor, reader, size, index)
    lines = tuple(
        Line(
            check=one.check.value,
            attribute=message(f"alcoa.attribute.{one.attribute.value}"),
            asked=message(f"alcoa.check.{one.check.value}"),
            state=STATES[one.result],
            result=message(f"alcoa.result.{one.result.value}"),
            why="" if one.code is None else message(f"alcoa.code.{one.code}"),
        )
        for one in found.checks
    )
    return AssessmentView(log=log, index=index, size=size, lines=lines)
