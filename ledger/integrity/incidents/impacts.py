"""The impact list: every artefact that rests on affected entries, each once, in one order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from ledger.findings.impact import Affected, Artefact, Impact, Reading
from ledger.findings.incident_kinds import MAX_LINKS, Counted, Linked

LINK = "link:"
"""What the sorts of things begin with that records are linked to: `link:batch`, `link:lot`, …"""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an impact list; `after` asks for the next one, None where there is none."""

    artefacts: tuple[Artefact, ...]
    after: int | None


def impact_of(impacts: Sequence[Impact], reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """All artefacts, domain by domain in the order of the assembly; each sort and id once."""
    seen: set[tuple[str, str, str]] = set()
    for impact in impacts:
        for one in impact(reading, affected):
            key = one.sort, one.id, one.at
            if key not in seen:
                seen.add(key)
                yield one


def page_of(artefacts: Iterable[Artefact], after: int, limit: int) -> Page:
    """So many artefacts from the one on that `after` others come before."""
    found = tuple(islice(artefacts, after, after + limit + 1))
    return Page(artefacts=found[:limit], after=after + limit if len(found) > limit else None)


def counted(artefacts: Iterable[Artefact]) -> tuple[Counted, ...]:
    """How many there are of each sort."""
    return tuple(Counted(sort=sort, count=count) for sort, count in sorted(Counter(a.sort for a in artefacts).items()))


def linked(artefacts: Iterable[Artefact]) -> tuple[tuple[Linked, ...], bool]:
    """What affected records are linked to; and whether that is more than a case lists."""
    found = [Linked(kind=one.sort.removeprefix(LINK), id=one.id) for one in artefacts if one.sort.startswith(LINK)]
    return (tuple(found), False) if len(found) <= MAX_LINKS else ((), True)
