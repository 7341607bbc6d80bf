"""The one tokeniser: what search finds is the same in every database, at every surface.

A token is made of letters, digits and combining marks of any script, with `. - _ / : @` only between them; it is
NFKC-normalised and case-folded, so of ASCII it holds only `a-z 0-9 . - _ / : @`, never white space, quotes or
control characters. Ids are kept whole and in parts, by the strength of what joins them: `/ : @`, then `.`, then
`- _`.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

MAX_TOKEN: Final = 64
"""Longest token, in characters; what is longer is cut there."""
MAX_TOKENS: Final = 512
"""Most tokens of one text: whole words in order of appearance first, then their parts."""

_SHORT: Final = 128
"""Characters of the longest text whose tokens are remembered."""
_CONNECTORS: Final = "._-/:@"
_KEPT = {
    **{ord(character): character for character in ascii_lowercase + digits + _CONNECTORS},
    **{ord(upper): lower for upper, lower in zip(ascii_uppercase, ascii_lowercase, strict=True)},
}
# For str.translate: lower case, and a space for each ASCII character that no token has.
_ASCII = {code: _KEPT.get(code, " ") for code in range(128)}
# What comes apart at each step: the stronger joints, then the dot too, then all.
_STRONG, _DOTTED, _ALL = (str.maketrans(dict.fromkeys(joints, " ")) for joints in ("/:@", "/:@.", _CONNECTORS))
_NEITHER_WORD_NOR_ASCII = re.compile(r"[^\w\x00-\x7f]")


def tokens(text: str) -> tuple[str, ...]:
    """Return the tokens under which a text is found, unique and in code point order.

    `TIC101.SP` gives `sp`, `tic101` and `tic101.sp`. At most 512 tokens of at most 64 characters; the same text
    always gives the same ones.
    """
    return _finish(_with_parts(_words(text)))


def tokens_of(values: Sequence[str]) -> list[str]:
    """Return the tokens of several texts, unique and in order of appearance: those of `tokens(" ".join(values))`.

    Names, tags and units recur from record to record: the tokens of short values are remembered.
    """
    each = [_remembered(value) if len(value) <= _SHORT else tokens(value) for value in values]
    found = list(dict.fromkeys(chain.from_iterable(each)))
    return found if len(found) <= MAX_TOKENS else list(tokens(" ".join(values)))


def query_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens that a text must have for a search input to match: ids whole, not in parts."""
    return _finish(_words(text))


def _with_parts(words: dict[str, None]) -> dict[str, None]:
    """The words, then what comes of those that connectors join."""
    found = words.copy()
    joined = " ".join([word for word in found if not word.isalnum()])
    if joined:
        for table in (_STRONG, _DOTTED):
            for part in joined.translate(table).split():
                if part not in found and not part.isalnum():  # else it is there, or among the last step's
                    found[part.strip(_CONNECTORS)] = None
        found.update(dict.fromkeys(joined.translate(_ALL).split()))
    return found


def _words(text: str) -> dict[str, None]:
    """Whole words in order of appearance; the empty word stands for what was only connectors."""
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = _NEITHER_WORD_NOR_ASCII.sub(_mark_or_space, folded)
    return dict.fromkeys([word.strip(_CONNECTORS) for word in text.translate(_ASCII).split()])


def _mark_or_space(match: re.Match[str]) -> str:
    character = match[0]
    return character if unicodedata.category(character).startswith("M") else " "


def _finish(found: dict[str, None]) -> tuple[str, ...]:
    found.pop("", None)
    if max(map(len, found), default=0) > MAX_TOKEN:
        found = dict.fromkeys([word[:MAX_TOKEN].rstrip(_CONNECTORS) for word in found])
    return tuple(sorted(found if len(found) <= MAX_TOKENS else [*found][:MAX_TOKENS]))


_remembered = lru_cache(maxsize=32_768)(tokens)
