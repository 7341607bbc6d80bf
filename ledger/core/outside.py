"""What a verifier brings along from outside of what is verified: keys, witnesses and cards on paper."""

from typing import Final

import msgspec

from ledger.core.card import Card
from ledger.core.policy import Policy


class FromOutside(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever verifies knows by themselves; what stands in a ledger or package does not make it."""

    policy: Policy | None = None
    cards: tuple[Card, ...] = ()

    def cards_of(self, origin: str) -> tuple[Card, ...]:
        """The cards of one log, the smallest size first."""
        return tuple(sorted((card for card in self.cards if card.origin == origin), key=lambda card: card.size))


NOTHING: Final = FromOutside()
"""Nothing is known from outside."""
