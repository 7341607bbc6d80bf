"""Memory of verification and of a package does not grow with the number of entries, beyond the pages of the report.

`make soak` compares far larger sizes.
"""

from tests.soak.memory import MIB, growth


def test_verification_of_six_times_the_entries_takes_no_more_memory() -> None:
    assert growth("verify", 1_000, 6_000) < 10 * MIB


def test_a_package_of_five_times_the_records_takes_no_more_memory() -> None:
    assert growth("package", 200, 1_000) < 20 * MIB
