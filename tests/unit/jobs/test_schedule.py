"""A schedule's instants are the same in every process, whenever it started."""

import pytest

from ledger.jobs.scheduler import Schedule

HOUR_US = 3_600_000_000


@pytest.mark.parametrize("late_us", [0, 1, 59_000_000, HOUR_US - 1])
def test_all_times_between_two_instants_belong_to_the_earlier_one(late_us: int) -> None:
    hourly = Schedule(sort="verify", every_s=3600)
    instant = 497_222 * HOUR_US
    assert hourly.instant_us(instant + late_us) == instant


def test_an_offset_moves_the_instants() -> None:
    daily = Schedule(sort="verify", every_s=86_400, offset_s=7_200)
    midnight = 20_000 * 86_400_000_000
    assert daily.instant_us(midnight + 2 * HOUR_US) == midnight + 2 * HOUR_US
    assert daily.instant_us(midnight + 2 * HOUR_US - 1) == midnight - 22 * HOUR_US
