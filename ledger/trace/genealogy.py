"""What a batch, a sample, a document or anything else that links can name hangs together with, across systems.

Outward from one id: the records that name it name others, and the records of those others again. What nearly everything
names (equipment, places, materials, recipes) is shown, and not gone on from unless it is what was asked for: by a
reactor every batch would hang together with every other. Persons are left out: nobody is followed by what they touched.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.looks import moment_us
from ledger.core.record import LinkKind
from ledger.store import schema
from ledger.store.position import index_of
from ledger.trace.bodies import bodies, linked

MAX_DEPTH: Final = 6
MAX_RECORDS: Final = 10_000
SHARED: Final = frozenset({LinkKind.EQUIPMENT, LinkKind.LOCATION, LinkKind.MATERIAL, LinkKind.RECIPE})
"""Kinds that records of many batches name."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """Something that records name; `steps` away from what was asked for. Of the records that were read: how many name
    it, the sources of these, and when the first and the last happened (microseconds UTC).
    """

    kind: LinkKind
    id: str
    steps: int
    records: int
    first_us: int
    last_us: int
    sources: tuple[str, ...]


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Records name both; `because` is the first of them."""

    one: tuple[LinkKind, str]
    other: tuple[LinkKind, str]
    because: int


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """What hangs together. `cut`: more records than are read at most would have been, so that something may lack."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    cut: bool


class _Seen:
    """What was read of one node."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.records: set[int] = set()
        self.moments: list[int] = []
        self.sources: set[str] = set()


def outward(
    connection: Connection, log: int, size: int, kind: LinkKind, id_: str, depth: int = 3, limit: int = MAX_RECORDS
) -> Graph:
    """Breadth first, `depth` steps at most, `limit` records at most, as of a size of the log."""
    start = (kind, id_)
    seen: dict[tuple[LinkKind, str], _Seen] = {start: _Seen(0)}
    edges: dict[tuple[tuple[LinkKind, str], tuple[LinkKind, str]], int] = {}
    read: set[int] = set()
    cut, border = False, [start]
    for steps in range(1, depth + 1):
        found: list[tuple[LinkKind, str]] = []
        for node in border:
            fresh = [one for one in _naming(connection, log, size, node, limit + 1) if one not in read]
            cut |= len(fresh) > limit - len(read)
            fresh = fresh[: limit - len(read)]
            read.update(fresh)
            for index, body in bodies(connection, log, fresh):
                names = list(
                    dict.fromkeys((link.kind, link.id) for link in body.record.links if _shown(link.kind, start))
                )
                for name in names:
                    if name not in seen:
                        seen[name] = _Seen(steps)
                        found.append(name)
                    seen[name].records.add(index)
                    seen[name].moments.append(moment_us(body))
                    seen[name].sources.add(body.record.source)
                    if name != node:
                        pair = (min(node, name), max(node, name))
                        edges[pair] = min(index, edges.get(pair, index))
        border = sorted(name for name in found if name[0] not in SHARED)
    nodes = (_node(name, one) for name, one in seen.items() if one.records)
    return Graph(
        nodes=tuple(sorted(nodes, key=lambda one: (one.steps, one.kind, one.id))),
        edges=tuple(Edge(one=one, other=other, because=because) for (one, other), because in sorted(edges.items())),
        cut=cut,
    )


def _shown(kind: LinkKind, start: tuple[LinkKind, str]) -> bool:
    return kind is not LinkKind.PERSON or start[0] is LinkKind.PERSON


def _naming(connection: Connection, log: int, size: int, node: tuple[LinkKind, str], limit: int) -> list[int]:
    link = schema.record_link.c
    chosen = select(link.pos).where(linked(log, size, *node)).order_by(link.pos).limit(limit)
    return [index_of(pos) for pos in connection.scalars(chosen)]


def _node(name: tuple[LinkKind, str], seen: _Seen) -> Node:
    return Node(
        kind=name[0],
        id=name[1],
        steps=seen.steps,
        records=len(seen.records),
        first_us=min(seen.moments),
        last_us=max(seen.moments),
        sources=tuple(sorted(seen.sources)),
    )
