"""The impact list: every artefact that rests on affected entries, each once, in one order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec
from sqlalchemy import select

from ledger.core.members import Members, Spans
from ledger.core.tables import TableClass
from ledger.findings.impact import Affected, Artefact, Impact, Reading, places
from ledger.findings.incident_kinds import MAX_LINKS, Counted, Linked
from ledger.store import schema
from ledger.store.position import index_of

LOST = "lost"
"""The sort of entries of which nothing is left, a run of them at a time: what rests on them cannot be told."""
LINK = "link:"
"""What the sorts of things begin with that records are linked to: `link:batch`, `link:lot`, …"""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an impact list; `after` asks for the next one, None where there is none."""

    artefacts: tuple[Artefact, ...]
    after: int | None


def impact_of(impacts: Sequence[Impact], reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """All artefacts: what is lost, then domain by domain in the order of the assembly; each sort and id once."""
    yield from _lost(reading, affected)
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


def linked(artefacts: Sequence[Artefact]) -> tuple[tuple[Linked, ...], bool]:
    """What affected records are linked to; and whether that is more than a case lists."""
    found = [Linked(kind=one.sort.removeprefix(LINK), id=one.id) for one in artefacts if one.sort.startswith(LINK)]
    every = len(found) > MAX_LINKS or any(one.sort == LOST for one in artefacts)
    return tuple(found[:MAX_LINKS]), every


def _lost(reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """Entries that neither can be read nor have left a row in any table."""
    facts = [
        table
        for table in schema.metadata.sorted_tables
        if table.info["class"] is TableClass.PROJECTION and "pos" in table.c
    ]
    for log, members in sorted(affected.items()):
        readable, left = Spans(), Spans()
        for entry in reading.entries(log, members):
            readable.add(entry.index, entry.index)
        unreadable = Members.of(readable.unseen(members))
        for low, high in places(log, unreadable):
            for table in facts:
                found = select(table.c.pos).where(table.c.pos >= low, table.c.pos < high).distinct()
                for pos in reading.connection.scalars(found):
                    left.add(index_of(pos), index_of(pos))
        for first, last in Members.of(left.unseen(unreadable)).runs():
            at = reading.address(log, first)
            yield Artefact(sort=LOST, id=at if first == last else f"{at}-{last}", because=at)
