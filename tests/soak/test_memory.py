"""Memory of verification and of a package does not grow with the number of entries.

`make soak` compares far larger sizes.
"""

from tests.soak.memory import MIB, growth


def test_verification_of_eight_times_the_entries_takes_no_more_memory() -> None:
    assert growth("verify", 3_000, 24_000) < 25 * MIB


def test_a_package_of_eight_times_the_records_takes_no_more_memory() -> None:
    assert growth("package", 300, 2_400) < 25 * MIB
