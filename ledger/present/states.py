"""The three states that anything can be in, each by symbol, word and tone, so that colour alone says nothing."""

from enum import StrEnum

from ledger.present.messages import message


class State(StrEnum):
    """Holds, does not hold, or cannot be judged: the last is never folded into the first."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"

    @property
    def symbol(self) -> str:
        return _SYMBOLS[self]

    @property
    def word(self) -> str:
        return message(f"state.{self.value}")

    @property
    def tone(self) -> str:
        """The signal colour's name (look.md, principle 3)."""
        return _TONES[self]


_SYMBOLS = {State.HOLDS: "●", State.FAILS: "▲", State.UNKNOWN: "○"}
_TONES = {State.HOLDS: "sound", State.FAILS: "alert", State.UNKNOWN: "caution"}


def judged(holds: bool | None) -> State:
    """The state of a check: None where it could not be made."""
    if holds is None:
        return State.UNKNOWN
    return State.HOLDS if holds else State.FAILS
