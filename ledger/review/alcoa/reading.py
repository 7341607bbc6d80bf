"""The assessment of one record, made when it is asked for."""

import msgspec

from ledger.core.assessment import Attribute
from ledger.core.entry import decode_leaf
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.kinds import RECORD
from ledger.review.alcoa.assess import Assessor
from ledger.review.alcoa.attributes import MADE_OF, Check, Result, Verdict, attribute_verdict
from ledger.store.reading import LogReader


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What one check says of a record: `code` names what fails or what is missing; null where it holds."""

    check: Check
    attribute: Attribute
    result: Result
    code: str | None


class OfAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """What a record's checks come to for one attribute: it fails if any does, else cannot be assessed if any cannot."""

    attribute: Attribute
    result: Result
    code: str | None


class RecordAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """A record by all checks and attributes, as of a size of its log."""

    index: int
    size: int
    attributes: tuple[OfAttribute, ...]
    checks: tuple[Cell, ...]


def assessment_of(assessor: Assessor, reader: LogReader, size: int, index: int) -> RecordAssessment:
    """Judges the record of an entry as of the size that `assessor` has.

    Raises NotFound where the log had no such entry by then, SchemaViolation for one that is no record, or of which the
    content is gone.
    """
    if not 0 <= index < size:
        raise NotFound(f"there is no entry {index} as of size {size}")
    stored = reader.entry(index)
    kind = decode_leaf(stored.leaf).kind
    if kind != RECORD.name:
        raise SchemaViolation(f"entry {index} is a {kind}, and only records are assessed")
    if stored.body is None:
        raise SchemaViolation(f"the content of entry {index} was disposed of: nothing is left to assess")
    (found,) = assessor.assess([index])
    attribute_of = {check: attribute for attribute, checks in MADE_OF.items() for check in checks}
    return RecordAssessment(
        index=index,
        size=size,
        attributes=tuple(
            OfAttribute(attribute=one, result=verdict.result, code=_code(verdict))
            for one in Attribute
            for verdict in (attribute_verdict(one, found.cells),)
        ),
        checks=tuple(
            Cell(check=check, attribute=attribute_of[check], result=verdict.result, code=_code(verdict))
            for check, verdict in zip(Check, found.cells, strict=True)
        ),
    )


def _code(verdict: Verdict) -> str | None:
    return verdict.partition(":")[2] or None
