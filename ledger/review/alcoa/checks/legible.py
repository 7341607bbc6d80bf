"""C03: what the record says can be read by its declared schema."""

from ledger.core.parameters import Schema
from ledger.review.alcoa.attributes import Verdict, worst
from ledger.review.known.facts import Facts


def resolves(facts: Facts) -> Verdict:
    """Every unit is one that the source's schema knows, and every coded value one of its codes.

    A body is valid by its own schema version or it is no entry, so that needs no look here.
    """
    schema = facts.value(Schema)
    if schema is None:
        return Verdict.NO_SCHEMA
    changes = facts.told.record.changes
    if any(one.unit is not None and one.unit not in schema.units for one in changes):
        return Verdict.UNKNOWN_UNIT
    coded = (
        (schema.codes[one.attribute], value)
        for one in changes
        if one.attribute in schema.codes
        for value in (one.old, one.new)
    )
    return worst(
        Verdict.HOLDS if not isinstance(value, str) or value in codes else Verdict.UNKNOWN_CODE
        for codes, value in coded
    )
