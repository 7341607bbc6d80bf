"""What a source counts, and what totals are made of, as the assessment of a log finds it."""

from typing import Any

import pytest

from ledger.core import canonical
from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Link, LinkBasis, LinkKind, Submission, Target
from ledger.review.alcoa.blocks import assess_block, every
from ledger.review.alcoa.runs import Run
from ledger.sources.parameter_kinds import Parameter
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, source_time, submission

S = 1_000_000
C07, C08 = 6, 7


def size_of(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


def cells(ledger: Ledger, check: int, size: int | None = None) -> list[str]:
    """What a check says of each record, in the order of their entries."""
    with ledger.store.reading() as connection:
        assessor = ledger.service.quality.assessor(connection, RECORDS, size_of(ledger) if size is None else size)
        blocks = [assess_block(assessor, place) for place in every(connection, RECORDS, assessor.size)]
    vectors = [vector for block in blocks for vector in block.vectors]
    return [cell for _, cell in sorted((index, one.cells[check]) for one in vectors for index in one.members)]


def run(ledger: Ledger) -> Run:
    return ledger.service.quality.assessments.run(ledger.service.record_log().log, False, AUTHORITY)


@pytest.mark.requirement("C08")
def test_the_newest_count_of_a_source_that_numbers_nothing_holds_for_what_it_counted(ledger: Ledger) -> None:
    ended = utc_text(START_US + 100 * S)
    ledger.submit([*map(submission, range(10))], cursor_to="1", started_at=utc_text(START_US), ended_at=ended)
    assert cells(ledger, C08) == ["N:no-sequence"] * 10
    run(ledger)
    reconciling, low = ledger.service.record_log().reconciling, START_US + 2 * S
    reconciling.by_count(SOURCE, low, START_US + 6 * S, 4, "review", AUTHORITY)
    agreed = size_of(ledger)
    wanted = ["N:no-sequence"] * 2 + ["P"] * 4 + ["N:no-sequence"] * 4
    assert cells(ledger, C08) == wanted
    # A count has what it is of assessed again.
    assert run(ledger).changed == 1
    assert run(ledger).changed == 0
    reconciling.by_count(SOURCE, low, START_US + 4 * S, 3, "again", AUTHORITY)
    ledger.submit([submission(77, occurred_at=source_time(START_US + 5 * S))], cursor_to="2", ended_at=ended)
    # What came after a count was not in it.
    assert cells(ledger, C08) == [*wanted[:2], *["F:count-differs"] * 2, *wanted[4:], "N:no-sequence"]
    assert cells(ledger, C08, agreed) == wanted


def told(number: int, type_: str, id_: str, value: Any, batch: str | None, **more: Any) -> Submission:
    links = () if batch is None else (Link(kind=LinkKind.BATCH, id=batch, basis=LinkBasis.READ),)
    changes = (Change(attribute="Weight", old=None, new=value, unit="kg"),)
    return submission(number, object=Target(type=type_, id=id_), links=links, changes=changes, **more)


@pytest.mark.requirement("C07")
def test_a_total_foots_with_what_stood_in_its_parts_before_it(ledger: Ledger) -> None:
    parts = {"source": SOURCE, "object_type": "weighing", "link": "batch", "within_s": 60, "attribute": "Weight"}
    values = {
        ParameterName.RANGE: {"attribute": "Weight", "kind": "decimal"},
        ParameterName.CROSS_FOOTING: {"attribute": "Weight", "parts": parts, "tolerance": "0.01"},
    }
    ledger.service.record_log().parameters.put(
        RECORDS,
        [
            Parameter(
                name=name,
                source=SOURCE,
                type="total",
                value=canonical.dumps(value).decode(),
                applies_from=None,
                reason="as specified",
                authority=AUTHORITY,
            )
            for name, value in values.items()
        ],
    )
    rows = [
        told(1, "weighing", "1", "10.00", "B1"),
        told(2, "weighing", "2", "20.00", "B1"),
        told(3, "weighing", "3", "40.00", "B2"),
        told(4, "total", "B1", "30.00", "B1"),
        # Weighed anew: what was entered first counts no more.
        told(5, "weighing", "1", "11.00", "B1", action=Action.UPDATE),
        told(6, "total", "B1", "30.00", "B1"),
        told(7, "total", "B1", "31.00", "B1"),
        told(8, "weighing", "2", None, "B1", action=Action.DELETE),
        told(9, "total", "B1", "11.01", "B1"),
        told(10, "total", "B3", "0", "B3"),
        told(11, "total", "B4", "5.00", None),
        told(70, "total", "B1", "0", "B1"),
    ]
    ended = utc_text(START_US + 100 * S)
    for at, row in enumerate(reversed(rows)):
        ledger.submit([row], cursor_to=str(at), started_at=utc_text(START_US - 100 * S), ended_at=ended)
    verdicts = list(reversed(cells(ledger, C07)))
    assert [verdicts[place] for place in (3, 5, 6, 8, 9, 10, 11)] == [
        "P",
        "F:not-footing",
        "P",
        "P",
        "P",
        "N:no-parts",
        "P",
    ]
