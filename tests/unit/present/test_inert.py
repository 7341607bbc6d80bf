"""Text of strangers: nothing in it acts, and nothing that a person wrote is lost."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ledger.present.inert import clipped, inert, one_line


@given(st.text())
def test_no_character_that_acts_is_left(text: str) -> None:
    shown = inert(text)
    assert not [
        one
        for one in shown
        if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one not in "\u200c\u200d"
    ]


def test_reordering_marks_are_shown_by_number() -> None:
    assert inert("a\u202egnp.exe") == "a⟨U+202E⟩gnp.exe"
    assert inert("\u2066x\u2069") == "⟨U+2066⟩x⟨U+2069⟩"


def test_terminal_escapes_are_shown_by_number() -> None:
    assert inert("\x1b[31mred") == "⟨U+001B⟩[31mred"


def test_letters_of_any_script_stay_as_they_are() -> None:
    for text in ("größer °C Ω", "Ελλάδα", "Привет", "می\u200cخواهم", "漢字", "עברית", "e\u0301", "😀"):
        assert inert(text) == text


def test_marks_stacked_over_other_lines_are_shown_by_number() -> None:
    assert inert("e" + "\u0301" * 5) == "e\u0301\u0301\u0301⟨U+0301⟩⟨U+0301⟩"


def test_line_feeds_stay_only_where_they_are_asked_for() -> None:
    assert inert("a\nb\tc\r", lines=True) == "a\nb\tc⟨U+000D⟩"
    assert inert("a\nb") == "a⟨U+000A⟩b"


@given(st.text(max_size=4000), st.integers(2, 200))
def test_a_piece_of_a_line_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(one_line(text, limit)) <= limit


def test_a_clipped_text_says_that_it_goes_on() -> None:
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("abcd", 4) == "abcd"
