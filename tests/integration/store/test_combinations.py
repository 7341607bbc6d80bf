"""Records by some of source, action, outcome and object type: what is there of each, without reading all the others."""

import itertools

import pytest

from ledger.core.record import Action, Outcome, Target
from ledger.store.combinations import MEMBERS, combinations, object_types
from ledger.store.ordering import Sort, SortKey, page
from ledger.store.search import Query
from tests.support.ledgers import RECORDS, Ledger, submission

COMMON = 600


def fill(ledger: Ledger) -> None:
    """Two sources; in the middle of each one record that stands alone."""
    for source in ("dcs", "erp"):
        given = [
            submission(
                number,
                source,
                action=Action.UPDATE if number % 2 else Action.CREATE,
                object=Target(type=f"{source}-{number % 3}", id=str(number)),
            )
            for number in range(COMMON)
        ]
        given[COMMON // 2] = submission(
            "alone", source, action=Action.DELETE, outcome=Outcome.FAILURE, object=Target(type="Zürich", id="x")
        )
        ledger.register(source)
        ledger.submit(given, source)


def test_combinations_are_those_that_records_have(ledger: Ledger) -> None:
    fill(ledger)
    usual = {
        (source, ("create", "update")[number % 2], "success", f"{source}-{number % 3}")
        for source in ("dcs", "erp")
        for number in range(6)
    }
    there = usual | {(source, "delete", "failure", "Zürich") for source in ("dcs", "erp")}
    values = (sorted({one[at] for one in there}) for at in range(len(MEMBERS)))
    with ledger.store.reading() as connection:
        for wanted in itertools.product(*((None, "none", *some) for some in values)):
            expected = [one for one in there if all(want in (None, has) for want, has in zip(wanted, one, strict=True))]
            assert sorted(combinations(connection, wanted)) == sorted(expected), wanted
        assert object_types(connection) == sorted({one[3] for one in there})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(action=Action.DELETE), 2),
        (Query(outcome=Outcome.FAILURE), 2),
        (Query(object_type="Zürich", source="erp"), 1),
        (Query(action=Action.LOGIN_FAILED), 0),
    ],
    ids=["action", "outcome", "type of a source", "none has it"],
)
@pytest.mark.parametrize("by", [SortKey.INDEX, SortKey.OCCURRED, SortKey.ACTOR])
def test_a_rare_value_is_found_without_reading_the_log(
    sqlite_ledger: Ledger, query: Query, found: int, by: SortKey
) -> None:
    """Counted in steps of SQLite's machine: to look at every record takes several for each."""
    fill(sqlite_ledger)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with sqlite_ledger.store.reader(RECORDS) as reader:
        raw = reader.connection.connection.driver_connection
        assert raw is not None
        raw.set_progress_handler(step, 1)
        try:
            indices = page(reader.connection, RECORDS, reader.head().size, query, Sort(by=by)).indices
        finally:
            raw.set_progress_handler(None, 0)
    assert len(indices) == found
    assert steps < 2 * COMMON
