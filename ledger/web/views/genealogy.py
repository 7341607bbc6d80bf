"""What a batch, a sample, a document hangs together with: a picture, and the table that says the same."""

from typing import Final
from urllib.parse import urlencode

import msgspec

from ledger.core.record import LinkKind
from ledger.present.genealogy_scene import Box, genealogy_scene
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.scene import Form, Scene
from ledger.present.times import Moment, moment
from ledger.trace.genealogy import SHARED, Graph, Node
from ledger.web.views.common import Scope
from ledger.web.views.urls import trace_url

LISTED: Final = 300
_NEARER: Final = 3
Name = tuple[LinkKind, str]


class Nearer(msgspec.Struct, frozen=True, kw_only=True):
    """What it hangs together with, and the first record that names both."""

    words: str
    because: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Something that records name: where it is traced, and where the records behind the number are.

    `search` is None where no one question finds just these: of something whose own records were not read.
    """

    steps: int
    kind: str
    id: str
    url: str
    records: int
    search: str | None
    sources: tuple[str, ...]
    first: Moment
    last: Moment
    nearer: tuple[Nearer, ...]


class GenealogyView(msgspec.Struct, frozen=True, kw_only=True):
    """The picture and its rows, the nearest first; `hidden`: so many more are not listed."""

    picture: Scene
    rows: tuple[Row, ...]
    hidden: int
    cut: bool


def genealogy_view(scope: Scope, log: str, size: int, graph: Graph, depth: int) -> GenealogyView | None:
    """`depth`: so many steps were taken. None where no record names what was asked for."""
    if not graph.nodes:
        return None
    number = {(node.kind, node.id): at for at, node in enumerate(graph.nodes)}
    boxes = [
        Box(
            column=node.steps,
            kind=message(f"link.{node.kind.value}"),
            name=one_line(node.id),
            form=Form.DASHED if node.kind in SHARED and node.steps else Form.OUTLINE,
            words=f"{_words((node.kind, node.id))}: {message('trace.records', count=node.records)}",
            to=trace_url(log, node.kind, node.id, size=size),
        )
        for node in graph.nodes
    ]
    ties = [
        (number[edge.one], number[edge.other]) for edge in graph.edges if edge.one in number and edge.other in number
    ]
    shown = graph.nodes[:LISTED]
    nearer: dict[Name, list[Nearer]] = {(node.kind, node.id): [] for node in shown}
    steps = {(node.kind, node.id): node.steps for node in graph.nodes}
    for edge in graph.edges:
        for one, other in ((edge.one, edge.other), (edge.other, edge.one)):
            if one in nearer and steps.get(other, 0) < steps[one] and len(nearer[one]) < _NEARER:
                nearer[one].append(Nearer(words=_words(other), because=edge.because))
    return GenealogyView(
        picture=genealogy_scene(
            message("trace.graph"), message("trace.graph.about", count=len(graph.nodes)), boxes, ties
        ),
        rows=tuple(
            _row(scope, log, size, node, tuple(nearer[node.kind, node.id]), _behind(graph, node, depth))
            for node in shown
        ),
        hidden=len(graph.nodes) - len(shown),
        cut=graph.cut,
    )


def _behind(graph: Graph, node: Node, depth: int) -> dict[str, str] | None:
    """By which further question a search for what names it finds the records that were read of it."""
    start = graph.nodes[0]
    if graph.cut:
        return None
    if node is start or (node.steps < depth and node.kind not in SHARED):
        return {}
    if depth == 1 and ";" not in start.id:  # what parts the links of a question
        return {"links": f"{start.kind.value}:{start.id}"}
    return None


def _row(
    scope: Scope, log: str, size: int, node: Node, nearer: tuple[Nearer, ...], behind: dict[str, str] | None
) -> Row:
    asked = {"log": log, "link_kind": node.kind.value, "link_id": node.id, "size": size} | (behind or {})
    return Row(
        steps=node.steps,
        kind=message(f"link.{node.kind.value}"),
        id=one_line(node.id),
        url=trace_url(log, node.kind, node.id, size=size),
        records=node.records,
        search=None if behind is None else "/search?" + urlencode(asked),
        sources=tuple(one_line(source) for source in node.sources),
        first=moment(node.first_us, scope.zone),
        last=moment(node.last_us, scope.zone),
        nearer=nearer,
    )


def _words(name: Name) -> str:
    kind, id_ = name
    return f"{message(f'link.{kind.value}')} {one_line(id_)}"
