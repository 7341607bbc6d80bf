"""A clock that is told within a round trip is known to half of it, and to half of its own unit."""

import pytest

from collectors.clocks import clock_told


@pytest.mark.requirement("R61")
def test_the_true_offset_lies_within_the_uncertainty_wherever_in_the_round_trip_the_time_was_told() -> None:
    for offset in (-3_600_000_000, 0, 7):
        for resolution in (0, 1, 1_000, 1_000_000):
            for asked, answered in ((0, 0), (10, 11), (1_000, 250_000)):
                for moment in {asked, (asked + answered) // 2, answered}:
                    told = moment + offset
                    cut = told - told % resolution if resolution else told
                    clock = clock_told(cut, asked, answered, "test", resolution)
                    assert abs(clock.offset_us - offset) <= clock.uncertainty_us
                    assert clock.uncertainty_us <= (answered - asked + resolution) // 2 + 2, "and no wider than that"
