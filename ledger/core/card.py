"""A checkpoint card: size and root of a log as a person keeps them on paper, outside of whatever is verified.

Nobody's signature is checked on it: who brings the card vouches for it, as the hand that signed the paper does.
"""

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import MalformedNote
from ledger.core.note import parse_note


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a log was at one size; raises MalformedNote for what no checkpoint of a log with entries could say."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if self.checkpoint.size == 0:
            raise MalformedNote("a card of size 0 says nothing: the log was empty")

    @classmethod
    def parse(cls, text: str) -> "Card":
        """The card that a text is: a signed checkpoint note as the QR code bears it, or its first three lines alone.

        Raises MalformedNote on any other text.
        """
        lines = [line.rstrip("\r") for line in text.strip("\r\n").split("\n")]
        checkpoint = (
            Checkpoint.parse("\n".join([*lines, ""]))
            if "" not in lines
            else Checkpoint.parse(parse_note("\n".join([*lines, ""]).encode()).text)
        )
        return cls(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root)

    @property
    def checkpoint(self) -> Checkpoint:
        """What it says as a checkpoint without a signature."""
        return Checkpoint(origin=self.origin, size=self.size, root=self.root)
