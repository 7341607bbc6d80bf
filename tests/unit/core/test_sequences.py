"""A source's own numbering, cut into series and number."""

import pytest

from ledger.core.sequences import cut


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, (None, None)),
        ("", (None, None)),
        ("none at the end-", (None, None)),
        ("42", ("", 42)),
        ("00042", ("", 42)),
        ("2026/A-00042", ("2026/A-", 42)),
        ("a\nb7", ("a\nb", 7)),
        ("9" * 18, ("", 10**18 - 1)),
        ("7" + "9" * 18, ("7", 10**18 - 1)),
        ("٤٢", (None, None)),
    ],
)
def test_a_sequence_is_cut_into_series_and_number(text: str | None, wanted: tuple[str | None, int | None]) -> None:
    assert cut(text) == wanted
    assert wanted[1] is None or wanted[1] < 1 << 63
