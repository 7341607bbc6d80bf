"""What other systems have to tell of a batch, and whether it is there: by the parameter `expected`."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import NotFound
from ledger.core.kinds import KindRegistry
from ledger.core.parameters import Expected, ExpectedStep, ParameterName, most_specific
from ledger.core.record import RecordBody
from ledger.sources.coverage import Coverage
from ledger.sources.covering import Stretch, cover
from ledger.sources.parameters import ever
from ledger.trace.bodies import placed

_UNKNOWN = (Coverage.UNREACHABLE, Coverage.GAP, Coverage.BEFORE)


class PartnerState(StrEnum):
    """*Missing* only once the source's time is known beyond the last record of the batch; until then *pending*.

    *Not assessable*: a part of that time is not known of the source, so that it may be there.
    """

    THERE = "there"
    MISSING = "missing"
    PENDING = "pending"
    NOT_ASSESSABLE = "not-assessable"


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is expected of a batch, and the records there are of it.

    `unknown`: the first stretch of the source's time for which it cannot be told; None also where no such source is
    registered.
    """

    wanted: ExpectedStep
    state: PartnerState
    records: tuple[int, ...]
    unknown: Stretch | None = None


class Partners(msgspec.Struct, frozen=True, kw_only=True):
    """All steps, in the order of parameter entry `rule`; None: nobody has said what is expected."""

    rule: int | None
    partners: tuple[Partner, ...]


def partners(
    connection: Connection, kinds: KindRegistry, log: int, size: int, named: Iterable[tuple[int, RecordBody]]
) -> Partners:
    """`named`: the records that name the batch; the last of them that is dated tells which rule applies."""
    known = [held for held in ever(connection, log, ParameterName.EXPECTED) if held.at(size)]
    if not known:
        return Partners(rule=None, partners=())
    spans, by_step = [], dict[tuple[str, str], list[tuple[int, RecordBody]]]()
    for index, body in named:
        by_step.setdefault((body.record.source, body.record.object.type), []).append((index, body))
        place = placed(body)
        if place is not None:
            spans.append(place.span)
    if not spans:
        return Partners(rule=None, partners=())
    begin, end = min(span.low_us for span in spans), max(span.high_us for span in spans)
    rule = most_specific(known, None, None, end)
    if rule is None or not isinstance(rule.value, Expected):
        return Partners(rule=None, partners=())
    found = []
    for step in rule.value.steps:
        records = tuple(
            sorted(
                index
                for index, body in by_step.get((step.source, step.object_type), ())
                if step.action in (None, body.record.action)
            )
        )
        state, unknown = PartnerState.THERE, None
        if len(records) < step.least:
            state, unknown = _absent(connection, kinds, log, size, step.source, begin, end + 1)
        found.append(Partner(wanted=step, state=state, records=records, unknown=unknown))
    return Partners(rule=rule.entry, partners=tuple(found))


def _absent(
    connection: Connection, kinds: KindRegistry, log: int, size: int, source: str, low_us: int, high_us: int
) -> tuple[PartnerState, Stretch | None]:
    try:
        stretches = cover(connection, kinds, log, size, source, low_us, high_us).stretches
    except NotFound:
        return PartnerState.NOT_ASSESSABLE, None
    unknown = next((one for one in stretches if one.state in _UNKNOWN), None)
    if unknown is not None:
        return PartnerState.NOT_ASSESSABLE, unknown
    later = next((one for one in stretches if one.state is Coverage.NOT_YET), None)
    return (PartnerState.MISSING, None) if later is None else (PartnerState.PENDING, later)
