"""A checkpoint card is read from what its QR code bears, and from nothing that only looks like it."""

from hashlib import sha256

import pytest

from ledger.core.card import Card
from ledger.core.errors import MalformedNote
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner, sign_note
from ledger.core.outside import FromOutside

ORIGIN = "plant.example/ledger/records"
ROOT = sha256(b"root").digest()
TEXT = f"{ORIGIN}\n42\n{b64(ROOT)}\n"
CARD = Card(origin=ORIGIN, size=42, root=ROOT)
NOTE = sign_note(TEXT, [NoteSigner(ORIGIN, bytes(32))]).decode()


@pytest.mark.parametrize("text", [NOTE, TEXT, TEXT.rstrip("\n"), TEXT.replace("\n", "\r\n"), f"\n{NOTE}\n"])
def test_the_signed_note_and_its_three_lines_are_the_card(text: str) -> None:
    assert Card.parse(text) == CARD
    assert CARD.checkpoint.text() == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "",
        ORIGIN,
        f"{ORIGIN}\n42\n",
        f"{ORIGIN}\n042\n{b64(ROOT)}\n",
        f"{ORIGIN}\n-1\n{b64(ROOT)}\n",
        f"{ORIGIN}\n42\n{b64(ROOT[:31])}\n",
        f"{ORIGIN}\n42\n{ROOT.hex()}\n",
        f"{TEXT}\nno signature line\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        Card.parse(text)


def test_a_card_of_an_empty_log_is_refused_as_it_would_vouch_for_nothing() -> None:
    with pytest.raises(MalformedNote, match="size 0"):
        Card(origin=ORIGIN, size=0, root=ROOT)


def test_only_cards_of_the_log_itself_count_for_it_the_smallest_first() -> None:
    early, other = Card(origin=ORIGIN, size=7, root=ROOT), Card(origin="plant.example/other", size=1, root=ROOT)
    assert FromOutside(cards=(CARD, other, early)).cards_of(ORIGIN) == (early, CARD)
