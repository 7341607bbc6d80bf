"""What a source's texts and values become in a record."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from struct import pack, unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.text import clean, render, render_float, render_float32


@pytest.mark.parametrize(
    ("given_value", "written"),
    [
        (None, None),
        (True, True),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (0.1, "0.1"),
        (25.0, "25.0"),
        (1e300, "1e+300"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Decimal("1.50"), "1.50"),
        (date(2026, 11, 25), "2026-11-25"),
        (datetime(2026, 11, 25, 7, 10, tzinfo=UTC), "2026-11-25T07:10:00+00:00"),
        (timedelta(seconds=1.5), "PT1.5S"),
        (b"\x00\xff", "00ff"),
        ([1, 2.5, "a\x00"], '[1,"2.5","a\ufffd"]'),
        ({"k\ud800": None}, '{"k\ufffd":null}'),
    ],
)
def test_a_value_is_written_by_its_rule(given_value: object, written: object) -> None:
    rendered = render(given_value)
    assert rendered == written
    assert type(rendered) is type(written)


def test_a_value_without_a_rule_is_an_error_not_a_guess() -> None:
    with pytest.raises(TypeError, match="complex"):
        render(1j)


@given(st.text(alphabet=st.characters(codec=None)))
def test_cleaned_text_can_be_stored_and_keeps_every_other_character(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")
    assert len(cleaned) == len(text)
    assert all(was == now for was, now in zip(text, cleaned, strict=True) if now != "\ufffd")


@given(st.floats(allow_nan=False))
def test_a_float_reads_back_as_itself(value: float) -> None:
    assert float(render_float(value)) == value


@given(st.floats(allow_nan=False, width=32))
def test_a_32_bit_float_reads_back_as_itself_and_is_no_longer_than_needed(value: float) -> None:
    text = render_float32(value)
    assert unpack("<f", pack("<f", float(text)))[0] == value
    assert len(text) <= len(render_float(value))


def test_a_32_bit_float_shows_no_digits_that_the_device_did_not_mean() -> None:
    assert render_float32(unpack("<f", pack("<f", 0.1))[0]) == "0.1"


def test_the_largest_32_bit_floats_are_told_too() -> None:
    for bits in (0x7F7FFFFF, 0x7F7FFFFE, 0xFF7FF9C5):
        (value,) = unpack("<f", pack("<I", bits))
        assert unpack("<f", pack("<f", float(render_float32(value))))[0] == value
