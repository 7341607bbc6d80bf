"""Every string that a user sees comes from here: a catalogue by key, English first.

A value goes in by name, unescaped: escaping is the medium's work. A key that does not exist raises KeyError, so a typo
cannot reach a user; a test holds every key to a use and every use to a key.
"""

from functools import cache
from string import Formatter

from ledger.present.english import CATALOGUE

_formatter = Formatter()


def message(key: str, **values: object) -> str:
    """The message of a key with its values filled in; integers are grouped by narrow spaces (`48 211`)."""
    shown = {name: number(value) if type(value) is int else value for name, value in values.items()}
    return CATALOGUE[key].format(**shown)


def number(value: int) -> str:
    """An integer with its digits grouped in threes by U+202F, from five digits on."""
    return f"{value:,}".replace(",", "\u202f") if abs(value) > 9999 else str(value)


@cache
def parts(key: str) -> tuple[tuple[str, str | None], ...]:
    """The message cut at its places: pairs of literal text and the name of the place that follows it."""
    return tuple((text, name) for text, name, _, _ in _formatter.parse(CATALOGUE[key]))


def known(key: str) -> bool:
    """Whether the catalogue has the key: for families of keys that follow an enum or a kind."""
    return key in CATALOGUE
