"""The words of a card are BIP-39's, and no wrong word passes for the root."""

import pytest
from mnemonic import Mnemonic

from ledger.core.card import Card
from ledger.core.errors import MalformedNote
from ledger.present.card import parse_card, root_of_words, words_of

ORIGIN = "plant.example/ledger/records"
VECTORS = {
    "00" * 32: f"{'abandon ' * 23}art",
    "7f"
    * 32: f"{'legal winner thank year wave sausage worth useful ' * 2}legal winner thank year wave sausage worth title",
    "ff" * 32: f"{'zoo ' * 23}vote",
    "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f": "void come effort suffer camp survey warrior "
    "heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold",
}
"""Entropy and words of the test vectors that BIP-39 names, those of 256 bits."""
ROOT = bytes.fromhex("f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f")


@pytest.mark.parametrize(("root", "words"), VECTORS.items())
def test_words_are_those_of_the_published_vectors(root: str, words: str) -> None:
    assert " ".join(words_of(bytes.fromhex(root))) == words
    assert root_of_words(words.split()) == bytes.fromhex(root)


def test_a_changed_word_is_refused_or_another_root() -> None:
    """At each of the 24 places; the checksum of eight bits lets one in 256 through, which then is another root."""
    right, listed = list(words_of(ROOT)), Mnemonic("english").wordlist
    refused = other = 0
    for place in range(24):
        for word in listed[place % 32 :: 32]:
            changed = [*right[:place], word, *right[place + 1 :]]
            if changed == right:
                continue
            try:
                found = root_of_words(changed)
            except MalformedNote:
                refused += 1
            else:
                assert found != ROOT
                other += 1
    assert refused > 24 * 60
    assert other < refused / 50


def test_a_word_that_is_none_is_named_with_its_number_and_the_likely_one() -> None:
    words = list(words_of(ROOT))
    words[6] = "warior"
    with pytest.raises(MalformedNote, match=r"word 7, 'warior', is none of the list") as found:
        root_of_words(words)
    assert "'warrior'" in found.value.advice


def test_two_words_that_changed_places_are_refused() -> None:
    words = list(words_of(ROOT))
    words[0], words[1] = words[1], words[0]
    with pytest.raises(MalformedNote, match="checksum"):
        root_of_words(words)


def test_a_card_is_typed_with_any_space_and_case() -> None:
    words = words_of(ROOT)
    rows = "\n".join("  ".join(words[at : at + 4]).upper() for at in range(0, 24, 4))
    card = Card(origin=ORIGIN, size=42, root=ROOT)
    assert parse_card(f"{ORIGIN} 42 {' '.join(words)}") == card
    assert parse_card(f"  {ORIGIN}\t42\n{rows}\n") == card
    assert parse_card(f"{ORIGIN}\n42\n{rows}\n") == card
    assert parse_card(card.checkpoint.text()) == card


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no checkpoint card"),
        (f"{ORIGIN} 42", "no checkpoint card"),
        (f"{ORIGIN} forty-two {' '.join(words_of(ROOT))}", "not a decimal number"),
        (f"{ORIGIN} 0 {' '.join(words_of(ROOT))}", "size 0"),
        (f"{ORIGIN} 42 {' '.join(words_of(ROOT)[:23])}", "here are 23"),
        (f"{ORIGIN} {' '.join(words_of(ROOT))}", "not a decimal number"),
    ],
)
def test_what_is_no_card_says_why(text: str, what: str) -> None:
    with pytest.raises(MalformedNote, match=what):
        parse_card(text)
