"""Whether somebody's words say too little to be a reason."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_WORD = re.compile(r"[^\W_]+")
VAGUE: Final = frozenset(
    _WORD.findall(
        "ok okay done fine good yes no na none nil nothing checked check reviewed review approved approve see above "
        "same ditto asap as requested discussed per request test testing misc other various update updated change "
        "changed fix fixed correct correction error mistake reason the it is was and"
    )
)
"""Words that say nothing of why."""
_LEAST_WORDS: Final = 3


def vague(text: str, words: Iterable[str] = ()) -> bool:
    """Whether words of a person's own say too little to be a reason.

    The rule: letters and digits alone are looked at, without case. Vague is what has fewer than three words, whose
    words all stand in a list of words that say nothing (`VAGUE`), or that is one character over and over. `words`: what
    a site lists besides, each a word that says nothing either, or a phrase that as the whole text does not.
    """
    said = _words(text)
    listed = [_words(one) for one in words]
    nothing = VAGUE.union(*(one for one in listed if len(one) == 1))
    return (
        len(said) < _LEAST_WORDS
        or all(word in nothing for word in said)
        or said in listed
        or len(set("".join(said))) < _LEAST_WORDS
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
