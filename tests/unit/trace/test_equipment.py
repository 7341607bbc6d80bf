"""Where tags stood: of few that are asked for one by one, of many all at once."""

import pytest

from ledger.core.clock import utc_text
from ledger.trace.assets import _FEW, Assets
from tests.support.ledgers import RECORDS, SOURCE, START_US, Ledger
from tests.support.ruling import map_, place


@pytest.mark.parametrize("many", [False, True])
def test_a_tag_stood_where_its_line_says_however_many_are_asked_for(sqlite_ledger: Ledger, many: bool) -> None:
    moved = utc_text(START_US)
    map_(
        sqlite_ledger,
        place("T", "R-1", valid_to=moved),
        place("T", "R-2", valid_from=moved),
        *(place(f"T{number}", f"R-{number}") for number in range(2 * _FEW)),
    )
    with sqlite_ledger.store.reader(RECORDS) as reader:
        assets = Assets(reader.connection, RECORDS, reader.head().size)
        for number in range(2 * _FEW if many else 0):
            assert assets.equipment(SOURCE, f"T{number}", START_US) == f"R-{number}"
            assert assets.equipment(SOURCE, f"none-{number}", START_US) is None
        assert [assets.equipment(SOURCE, "T", START_US + us) for us in (-1, 0)] == ["R-1", "R-2"]
        assert assets.equipment("other", "T", START_US) is None
