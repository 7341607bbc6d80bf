"""What a source says of itself at a run, written so that it stays the same text while the source stays the same.

No time, count, address of a session or order of an answer goes into a fact: any of these would make a source one to
validate anew at every run. What a type of source tells is declared by its `Collector.tells`.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from collectors.text import clean
from ledger.core.run import SourceFacts

VERSION, SCHEMA, AUDIT_TRAIL = "version", "schema", "audit_trail"
_WORDS: Final[Mapping[str, str]] = {VERSION: "version", SCHEMA: "schema", AUDIT_TRAIL: "audit-trail setting"}
_LONGEST: Final = 512
_MOST_MEMBERS: Final = 200
_MOST_TEXT: Final = 3_000
_GIVEN_UP: Final = ("*",)


def facts(version: str | None = None, schema: str | None = None, audit_trail: str | None = None) -> SourceFacts | None:
    """The facts, each as an entry can hold it; None where the source says nothing."""
    found = SourceFacts(version=_short(version), schema=_short(schema), audit_trail=_short(audit_trail))
    return None if found == SourceFacts() else found


def fingerprint(parts: Iterable[str]) -> str:
    """Tells one set of names from another, whatever their order: 128 bits of SHA-256, hexadecimal."""
    text = "\n".join(sorted(set(parts)))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def unsaid(tells: Sequence[str]) -> tuple[str, ...]:
    """What a source does not say of itself, as one of the things that it cannot tell; nothing where it says all."""
    words = [word for name, word in _WORDS.items() if name not in tells]
    if not words:
        return ()
    *some, last = words
    listed = f"{', '.join(some)} or {last}" if some else last
    return (f"its own {listed}: a change of it is not noticed",)


class Members:
    """The names of members that a source has ever given: it grows, so an item without some of them is no change.

    A source whose names are data (numbers of things as names) would never come to an end of them: of one with too many
    nothing is told any more.
    """

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = set(known)

    def add(self, item: object) -> None:
        """The names of an object's members, and of those that are objects themselves the names of theirs."""
        if not isinstance(item, Mapping) or self._too_many:
            return
        for name, value in item.items():
            if isinstance(value, Mapping) and value:
                self._known |= {f"{clean(str(name))}.{clean(str(below))}" for below in value}
            else:
                self._known.add(clean(str(name)))

    @property
    def names(self) -> tuple[str, ...]:
        """For the next run, at most some thousand characters."""
        return _GIVEN_UP if self._too_many else tuple(sorted(self._known))

    @property
    def schema(self) -> str | None:
        """Their fingerprint; None where there are none, or too many."""
        return fingerprint(self._known) if self._known and not self._too_many else None

    @property
    def _too_many(self) -> bool:
        known = self._known
        return known.issuperset(_GIVEN_UP) or len(known) > _MOST_MEMBERS or sum(map(len, known)) > _MOST_TEXT


def _short(text: str | None) -> str | None:
    return (clean(text).strip()[:_LONGEST] or None) if text else None
