"""The instant that is read from a source's text: kept where it fits, left out where it does not, never bent."""

from datetime import datetime

import pytest

from ledger.core import canonical
from ledger.core.times import from_datetime, parse_source_time


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("2255-06-05T23:47:34Z", True),
        ("2255-06-06T00:00:00Z", False),
        ("9999-12-31T00:00:00Z", False),
        ("1684-07-29T00:00:00Z", True),
        ("1601-01-01T00:00:00+00:00", False),
    ],
)
def test_a_time_that_is_centuries_off_keeps_its_words_and_has_no_instant(text: str, known: bool) -> None:
    found = parse_source_time(text)
    assert (found.text, found.instant_us is not None) == (text, known)
    assert b'"text"' in canonical.encode_struct(found), "it can stand in an entry"
    assert from_datetime(datetime.fromisoformat(text)).instant_us == found.instant_us
