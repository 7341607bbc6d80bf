"""Every string that a user sees comes from here: a catalogue by key, English first.

A value goes in by name, unescaped: escaping is the medium's work. A key that does not exist raises KeyError, so a typo
cannot reach a user; a test holds every key to a use and every use to a key. Within `speaking` another language is
spoken; what its catalogue lacks is said in English.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from string import Formatter
from typing import Final

from ledger.present import german
from ledger.present.english import CATALOGUE


class Language(StrEnum):
    """A language that there is a catalogue of, by its code (BCP 47)."""

    ENGLISH = "en"
    GERMAN = "de"


_CATALOGUES: Final = {Language.ENGLISH: CATALOGUE, Language.GERMAN: german.CATALOGUE}
_spoken: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)
_formatter = Formatter()


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """All messages within are of that language."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken() -> Language:
    """The language that messages are of here."""
    return _spoken.get()


def message(key: str, **values: object) -> str:
    """The message of a key with its values filled in; integers are grouped by narrow spaces (`48 211`)."""
    shown = {name: number(value) if type(value) is int else value for name, value in values.items()}
    return _text(key, _spoken.get()).format(**shown)


def number(value: int) -> str:
    """An integer with its digits grouped in threes by U+202F, from five digits on."""
    return f"{value:,}".replace(",", "\u202f") if abs(value) > 9999 else str(value)


def parts(key: str) -> tuple[tuple[str, str | None], ...]:
    """The message cut at its places: pairs of literal text and the name of the place that follows it."""
    return _parts(key, _spoken.get())


def known(key: str) -> bool:
    """Whether the catalogue has the key: for families of keys that follow an enum or a kind."""
    return key in CATALOGUE


@cache
def _parts(key: str, language: Language) -> tuple[tuple[str, str | None], ...]:
    return tuple((text, name) for text, name, _, _ in _formatter.parse(_text(key, language)))


def _text(key: str, language: Language) -> str:
    return _CATALOGUES[language].get(key) or CATALOGUE[key]
