"""Every level says what it proves and what it does not, and which part of it this version builds."""

from ledger.integrity.levels import BUILT, LEVELS


def test_five_levels_are_described_and_what_is_not_built_is_named() -> None:
    assert [level.number for level in LEVELS] == [1, 2, 3, 4, 5]
    for level in LEVELS:
        assert level.proves.endswith(".")
        assert level.does_not_prove.endswith(".")
        assert bool(level.open) or level.built == "all"
    assert BUILT == (1, 2, 3, 4, 5)
