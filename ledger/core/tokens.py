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
from hashlib import sha256
from string import ascii_lowercase, digits
from typing import Final

MAX_TOKEN: Final = 64
"""Longest token, in characters; what is longer is cut there."""
MAX_TOKENS: Final = 512
"""Most tokens of one text: whole words in order of appearance first, then their parts."""

_SHORT: Final = 128
"""Characters of the longest text whose tokens are remembered."""
_CONNECTORS: Final = "._-/:@"
_KEPT = ascii_lowercase + digits + _CONNECTORS
# For bytes.translate of UTF-8: lower case, and a space for each ASCII character that no token has.
_ASCII = bytes(ord(chr(code).lower()) if chr(code).lower() in _KEPT else ord(" ") for code in range(128))
_ASCII += bytes(range(128, 256))
# What comes apart at each step: the stronger joints, then the dot too, then all.
_STRONG, _DOTTED, _ALL = (
    bytes.maketrans(joints.encode(), b" " * len(joints)) for joints in ("/:@", "/:@.", _CONNECTORS)
)
_NEITHER_WORD_NOR_ASCII = re.compile(r"[^\w\x00-\x7f]")


def tokens(text: str) -> tuple[str, ...]:
    """Return the tokens under which a text is found, unique and in code point order.

    `TIC101.SP` gives `sp`, `tic101` and `tic101.sp`. At most 512 tokens of at most 64 characters; the same text
    always gives the same ones.
    """
    return _finish(_with_parts(_words(text)))


def tokens_of(recurring: Sequence[str], text: str) -> list[str]:
    """Return the tokens of all these texts together, unique, those of `text` first: as of `tokens` with spaces between.

    Names, tags and units recur from record to record: of `recurring` ones, the tokens of short ones are remembered.
    """
    found = _cut(text)
    for value in recurring:
        found.update(_remembered(value) if len(value) <= _SHORT else _cut(value))
    return list(found) if len(found) <= MAX_TOKENS else list(tokens(" ".join((text, *recurring))))


@lru_cache(maxsize=32_768)
def exact(member: str, value: str) -> str:
    """Return the token of a member's whole value, case and all: none of any text, for those begin with no connector."""
    return ":" + sha256(f"{member}\x00{value}".encode(errors="surrogatepass")).hexdigest()[:16]


@lru_cache(maxsize=32_768)
def mark(member: str, value: str) -> str:
    """Return a shorter token of the same sort: of a member of few values, so short that two may share one."""
    return exact(member, value)[:MARK]


MARK: Final = 8
"""Characters of each of them."""
KEY_MARK: Final = "@"
"""What a token of `key_token` begins with, and none of any text or of `exact`."""
KEY_TOKEN: Final = 17
"""Characters of each of them."""


@lru_cache(maxsize=16_384)
def key_token(source: str, record_id: str) -> str:
    """Return the token of the identity that a source gives a record: the same id of another source has another."""
    return KEY_MARK + sha256(f"{source}\x00{record_id}".encode(errors="surrogatepass")).hexdigest()[: KEY_TOKEN - 1]


def query_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens that a text must have for a search input to match: ids whole, not in parts."""
    return _finish(_words(text))


def _with_parts(words: dict[str, None]) -> dict[str, None]:
    """The words, then what comes of those that connectors join."""
    joined = " ".join([word for word in words if not word.isalnum()])
    if not joined:
        return words
    found = words.copy()
    dashed = "-" in joined or "_" in joined
    strong = "/" in joined or ":" in joined or "@" in joined
    # A step that takes apart what the last one takes apart anyway is left out.
    for needed, table in (
        (strong and (dashed or "." in joined), _STRONG),
        (dashed and (strong or "." in joined), _DOTTED),
    ):
        if needed:
            for part in _split(joined, table):
                if part not in found and not part.isalnum():  # else it is there, or among the last step's
                    found[part.strip(_CONNECTORS)] = None
    found.update(dict.fromkeys(_split(joined, _ALL)))
    return found


def _cut(text: str) -> dict[str, None]:
    """All tokens of a text, in order of appearance, each cut to its greatest length."""
    found = _with_parts(_words(text))
    found.pop("", None)
    if len(text) > MAX_TOKEN and max(map(len, found), default=0) > MAX_TOKEN:
        found = dict.fromkeys([word[:MAX_TOKEN].rstrip(_CONNECTORS) for word in found])
    return found


def _words(text: str) -> dict[str, None]:
    """Whole words in order of appearance; the empty word stands for what was only connectors."""
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = _NEITHER_WORD_NOR_ASCII.sub(_mark_or_space, folded)
    return dict.fromkeys([word.strip(_CONNECTORS) for word in _split(text, _ASCII)])


def _split(text: str, table: bytes) -> list[str]:
    """The parts of a text between what the table makes spaces of (in bytes that is ten times as fast)."""
    return text.encode().translate(table).decode().split()


def _mark_or_space(match: re.Match[str]) -> str:
    character = match[0]
    return character if unicodedata.category(character).startswith("M") else " "


def _finish(found: dict[str, None]) -> tuple[str, ...]:
    found.pop("", None)
    if max(map(len, found), default=0) > MAX_TOKEN:
        found = dict.fromkeys([word[:MAX_TOKEN].rstrip(_CONNECTORS) for word in found])
    return tuple(sorted(found if len(found) <= MAX_TOKENS else [*found][:MAX_TOKENS]))


_remembered = lru_cache(maxsize=32_768)(_cut)
