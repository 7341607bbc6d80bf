"""An instant that is put together from parts is what `utc_text` writes."""

import random
from zoneinfo import ZoneInfo

import pytest

from ledger.core.clock import utc_text
from ledger.trace.columns import COLUMNS, Read

DAY = 86_400_000_000
LAST = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""
FIRST = -62_135_596_800_000_000


def texts(*instants: int | None) -> list[object]:
    read = Read(
        indices=range(len(instants)), rows={"received_us": instants}, leaves=(), bodies=(), zone=ZoneInfo("UTC"),
        old=frozenset(), marks={},
    )  # fmt: skip
    return list(COLUMNS["received_at"].make(read))


def test_every_instant_of_the_calendar_is_written_as_elsewhere() -> None:
    random_ones = random.Random(5)
    edges = [
        at + by for at in (0, DAY, -DAY, 60_000_000, FIRST + DAY, LAST - DAY) for by in (-1, 0, 1, 999, 59_999_999)
    ]
    some = [random_ones.randrange(FIRST, LAST) for _ in range(500)]
    for instants in (edges, some, [FIRST, LAST]):
        assert texts(*instants, None) == [*map(utc_text, instants), None]


@pytest.mark.parametrize("beyond", [LAST + 1, FIRST - 1, 2**63 - 1, -(2**63)])
def test_an_instant_that_no_calendar_has_is_none_and_takes_none_beside_it_along(beyond: int) -> None:
    assert texts(0, beyond, 1) == [utc_text(0), None, utc_text(1)]
