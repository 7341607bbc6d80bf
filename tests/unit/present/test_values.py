"""Old → new as pieces with roles."""

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.hashing import b64
from ledger.core.record import Change, Maybe, Sealed
from ledger.present.states import State, judged
from ledger.present.values import Piece, Role, change_pieces, grouped, plain

WORDS = st.text(alphabet="ab \n", min_size=61, max_size=160)


@pytest.mark.requirement("R34")
def test_old_arrow_new_and_unit_stand_in_one_line() -> None:
    pieces = change_pieces(Change(attribute="Value", old="50.0", new="55.5", unit="°C"))
    assert pieces == (
        Piece("50.0", Role.OLD),
        Piece(" → ", Role.ARROW),
        Piece("55.5", Role.NEW),
        Piece(" °C", Role.UNIT),
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (msgspec.UNSET, "not given by the source"),
        (None, "no value"),
        ("", "empty text"),
        (Sealed(b64(sha256().digest())), "sealed"),
    ],
)
def test_what_is_not_a_value_is_said_and_not_struck_through(value: Maybe, said: str) -> None:
    assert change_pieces(Change(attribute="a", old=value, new="x"))[0] == Piece(said, Role.NOTE)


def test_true_and_numbers_are_values() -> None:
    assert plain(change_pieces(Change(attribute="a", old=True, new=7))) == "true → 7"


@given(WORDS, WORDS)
def test_marked_up_texts_hold_old_and_new_in_full(old: str, new: str) -> None:
    pieces = change_pieces(Change(attribute="a", old=old, new=new))
    assert "".join(piece.text for piece in pieces if piece.role is not Role.INSERT) == old
    assert "".join(piece.text for piece in pieces if piece.role is not Role.DELETE) == new


def test_a_long_text_shows_only_what_changed_as_changed() -> None:
    old = "Heat the reactor slowly to the setpoint, hold it for thirty minutes and take a sample."
    pieces = change_pieces(Change(attribute="a", old=old, new=old.replace("slowly", "at once")))
    assert [piece.text for piece in pieces if piece.role is Role.DELETE] == ["slowly"]
    assert "".join(piece.text for piece in pieces if piece.role is Role.INSERT) == "at once"


def test_two_huge_texts_are_compared_at_once_and_nothing_is_lost() -> None:
    old, new = " ".join(map(str, range(60_000))), " ".join(map(str, range(60_000, 0, -1)))
    pieces = change_pieces(Change(attribute="a", old=old, new=new))
    assert "".join(piece.text for piece in pieces if piece.role is not Role.INSERT) == old


def test_a_digest_is_read_in_groups_of_four() -> None:
    groups = grouped(sha256(b"").digest())
    assert groups[:2] == ("e3b0", "c442")
    assert len(groups) == 16


def test_what_cannot_be_judged_never_counts_as_holding() -> None:
    assert [judged(True), judged(False), judged(None)] == [State.HOLDS, State.FAILS, State.UNKNOWN]
    assert [state.symbol for state in State] == ["●", "▲", "○"]
    assert len({state.word for state in State}) == 3
