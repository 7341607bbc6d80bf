"""The root of a checkpoint card as 24 words that a person can write down, read aloud and type, and back.

The words are those of BIP-39 in English: 256 bits and a checksum of 8. A word that is none of the list is named; words
that are of the list but not of one root are refused by the checksum, or are another root, which then fails.
"""

import difflib
from functools import cache
from hashlib import sha256

from mnemonic import Mnemonic

from ledger.core.card import Card
from ledger.core.checkpoint import parse_decimal
from ledger.core.errors import MalformedNote
from ledger.core.hashing import HASH_SIZE
from ledger.present.values import grouped

WORDS = 24
HOW = "Give a file or text: the QR code's, or ORIGIN SIZE and the 24 words."


def words_of(root: bytes) -> tuple[str, ...]:
    """The 24 words of a root, all its 256 bits and the checksum."""
    if len(root) != HASH_SIZE:
        raise MalformedNote(f"a root of {len(root)} bytes where {HASH_SIZE} are due has no words")
    return tuple(_bip39().to_mnemonic(root).split(" "))


def root_of_words(words: list[str]) -> bytes:
    """The root that 24 words write; upper and lower case alike.

    Raises MalformedNote, naming the word that is none, and where the checksum says that one of them is another.
    """
    if len(words) != WORDS:
        raise MalformedNote(f"a root is written by {WORDS} words; here are {len(words)}", advice=HOW)
    known = _places()
    given = [word.lower() for word in words]
    for number, word in enumerate(given, start=1):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            advice = f"Compare it with the card: perhaps {near[0]!r}." if near else "Compare it with the card."
            raise MalformedNote(f"word {number}, {word[:40]!r}, is none of the list", advice=advice)
    if not _bip39().check(" ".join(given)):
        raise MalformedNote(
            "the 24 words do not fit together: their checksum is wrong",
            advice="One of them is another word than on the card, or two changed places: compare each with its number.",
        )
    return bytes(_bip39().to_entropy(given))


def parse_card(text: str) -> Card:
    """The card that a person brings: what the QR code bears, or ORIGIN SIZE and 24 words with any space between.

    Raises MalformedNote on any other text, naming what is wrong.
    """
    lines = text.strip().splitlines()
    if len(lines) >= 3 and len(lines[1].split()) == len(lines[2].split()) == 1:
        return Card.parse(text)
    parts = text.split()
    if len(parts) < 3:
        raise MalformedNote("that is no checkpoint card", advice=HOW)
    origin, size, *words = parts
    return Card(origin=origin, size=parse_decimal(size), root=root_of_words(words))


def fingerprint_of(vkey: str) -> str:
    """All 256 bits of a verifier key's fingerprint (SHA-256 over its text), in groups of four digits."""
    return " ".join(grouped(sha256(vkey.encode()).digest()))


@cache
def _bip39() -> Mnemonic:
    return Mnemonic("english")


@cache
def _places() -> frozenset[str]:
    return frozenset(_bip39().wordlist)
