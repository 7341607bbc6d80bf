"""Instants and durations as they are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import InvalidEntry
from ledger.core.times import Basis, Precision, SourceTime, parse_source_time
from ledger.present.times import ago, claimed, duration, moment, parse_local, site_zone

BERLIN, UTC = site_zone("Europe/Berlin"), site_zone("UTC")
AT = 1_795_590_606_123_456  # 2026-11-25T07:10:06.123456Z


def test_site_time_stands_with_its_zone_and_utc() -> None:
    shown = moment(AT, BERLIN)
    assert (shown.local, shown.zone) == ("2026-11-25 08:10:06.123", "CET +01:00")
    assert (shown.utc, shown.beside) == ("2026-11-25 07:10:06.123 UTC", "07:10:06.123 UTC")
    assert shown.iso == "2026-11-25T07:10:06.123456Z"


def test_utc_beside_carries_its_date_where_that_is_another() -> None:
    midnight = moment(AT + 16 * 3_600_000_000, BERLIN)
    assert midnight.local.startswith("2026-11-26 00:10")
    assert midnight.beside.startswith("2026-11-25 23:10")


def test_a_claim_is_shown_no_finer_than_the_source_was() -> None:
    shown = claimed(parse_source_time("2026-11-25T07:10+00:00"), UTC)
    assert shown is not None
    assert shown.local == "2026-11-25 07:10"


@pytest.mark.parametrize("instant", [None, 2**53 - 1, -(2**53 - 1)])
def test_a_claim_that_names_no_day_of_ours_is_no_moment(instant: int | None) -> None:
    claim = SourceTime(text="x", precision=Precision.SECOND, basis=Basis.NONE, instant_us=instant)
    shown = claimed(claim, BERLIN)
    assert shown is None or shown.iso


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (0, "0 µs"),
        (412, "412 µs"),
        (412_000, "0.412 s"),
        (9_999_999, "9.999 s"),
        (12_340_000, "12.3 s"),
        (59_999_999, "59.9 s"),
        (60_000_000, "1 min"),
        (200_000_000, "3 min 20 s"),
        (7_500_000_000, "2 h 5 min"),
        (273_600_000_000, "3 d 4 h"),
        (-41_200, "−0.041 s"),
    ],
)
def test_a_duration_is_said_in_at_most_two_units(length: int, said: str) -> None:
    assert duration(length) == said


def test_the_future_is_said_to_be_ahead() -> None:
    assert ago(AT, AT + 200_000_000) == "3 min 20 s ago"
    assert ago(AT + 200_000_000, AT) == "3 min 20 s ahead of our clock"


@given(st.integers(0, 4_000_000_000_000_000))
def test_what_is_shown_in_utc_is_read_back_as_the_same_millisecond(instant: int) -> None:
    shown = moment(instant, UTC)
    assert parse_local(shown.local, UTC) == instant // 1000 * 1000


def test_a_time_is_read_in_site_time_unless_it_says_otherwise() -> None:
    assert parse_local("2026-11-25 08:10", BERLIN) == parse_local("2026-11-25T07:10Z", BERLIN)


@pytest.mark.parametrize("text", ["x", "25.11.2026", "2026-10-25 02:30", "2026-03-29 02:30", ""])
def test_a_text_that_is_no_clear_time_is_refused_with_advice(text: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        parse_local(text, BERLIN)
    assert "2026-11-25" in caught.value.advice


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(InvalidEntry, match="Mars/Base"):
        site_zone("Mars/Base")
