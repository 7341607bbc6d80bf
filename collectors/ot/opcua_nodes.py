"""Looks up what a server says about its nodes and event types, once a session, in as few requests as can be."""

from collections.abc import Iterable, Sequence
from typing import Self

import msgspec
from asyncua import ua
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from collectors.ot.opcua_fields import standard_name
from collectors.ot.opcua_original import NodeFacts
from collectors.ot.opcua_values import node_text
from collectors.ot.opcua_wire import BoundedClient
from collectors.text import clean
from ledger.core.errors import FatalSource

_DEEPEST = 32
_AT_ONCE = 100
_PAGE = 1_000
_MOST = 50_000
"""So many references of one node, and event types, are looked at."""
_REMEMBERED = 20_000
_FORWARD, _INVERSE = ua.BrowseDirection.Forward, ua.BrowseDirection.Inverse
_LISTENED = (ObjectIds.AuditEventType, ObjectIds.ConditionType)


def standard_id(number: int) -> ua.NodeId:
    """A node of the OPC UA namespace."""
    return ua.NodeId(ua.Int32(number))


_TOPS: dict[ua.NodeId, tuple[str, ...]] = {
    standard_id(ObjectIds.ObjectsFolder): (),
    standard_id(ObjectIds.RootFolder): (),
}
"""Paths begin below these."""


class _Ask(msgspec.Struct, frozen=True, kw_only=True):
    """The references of one kind that begin or end at a node."""

    node: ua.NodeId
    kind: int
    direction: ua.BrowseDirection = _FORWARD

    def description(self) -> ua.BrowseDescription:
        return ua.BrowseDescription(
            NodeId=self.node,
            BrowseDirection=self.direction,
            ReferenceTypeId=standard_id(self.kind),
            IncludeSubtypes=True,
            NodeClassMask=ua.UInt32(0),
            ResultMask=ua.UInt32(ua.BrowseResultMask.BrowseName),
        )


class NodeBook:
    """Remembers answers for the length of a session: a path does not change under a running server."""

    def __init__(self, client: BoundedClient, namespaces: tuple[str, ...]) -> None:
        self._client = client
        self.namespaces = namespaces
        self._facts: dict[ua.NodeId, NodeFacts] = {}
        self._paths: dict[ua.NodeId, tuple[str, ...]] = dict(_TOPS)
        self._kinds: dict[ua.NodeId, str] = {}
        self._listened: set[str] = set()

    @classmethod
    async def open(cls, client: BoundedClient) -> Self:
        return cls(client, tuple(await client.get_namespace_array()))

    async def find(self, word: str) -> Node:
        """The node of an id (`nsu=URI;s=NAME`, `ns=2;s=NAME`, `i=85`) or a path of browse names from Objects."""
        try:
            if "=" in word.partition(";")[0]:
                node = self._client.get_node(ua.NodeId.from_string(self._by_index(word)))
                await node.read_browse_name()
                return node
            found = standard_id(ObjectIds.ObjectsFolder)
            for step in word.split("/"):
                found = await self._child(found, step)
        except (UaStatusCodeError, UaError, KeyError, ValueError) as error:
            raise FatalSource(
                f"the OPC UA server knows no node {word!r}: {error}",
                advice="Give a node id (nsu=URI;s=NAME) or a path of browse names from Objects (UNIT/TAG/SP).",
            ) from None
        return self._client.get_node(found)

    async def facts(self, node_id: ua.NodeId) -> NodeFacts:
        """Id, path and unit; for a node that the server no longer has, its id is its path."""
        if node_id not in self._facts:
            if len(self._facts) >= _REMEMBERED:
                self._facts.clear()
                self._paths = dict(_TOPS)
            self._facts[node_id] = await self._look_up(node_id)
        return self._facts[node_id]

    async def listened_kinds(self) -> list[ua.NodeId]:
        """All event types to listen for, those of the vendor too: audit events and conditions."""
        level = [standard_id(kind) for kind in _LISTENED]
        self._kinds |= {kind: standard_name(kind) or "" for kind in level}
        found = list(level)
        while level and len(found) < _MOST:
            asks = [_Ask(node=kind, kind=ObjectIds.HasSubtype) for kind in level]
            below = []
            for kind, references in zip(level, await self._browse(asks), strict=True):
                for reference in references:
                    node = _plain_id(reference.NodeId)
                    if node not in self._kinds:
                        self._kinds[node] = standard_name(node) or self._kinds[kind]
                        below.append(node)
            found += below
            level = below
        self._listened = set(self._kinds.values())
        return found

    async def standard_kind(self, kind: ua.NodeId) -> str:
        """The standard event type that this one is or descends from; empty where that cannot be found out."""
        if kind in self._kinds:
            return self._kinds[kind]
        name = await self._ancestor(kind)
        if len(self._kinds) < _MOST:
            self._kinds[kind] = name
        return name

    def is_listened(self, standard: str) -> bool:
        """Whether a standard event type is one to listen for (after `listened_kinds`)."""
        return standard in self._listened

    async def _look_up(self, node_id: ua.NodeId) -> NodeFacts:
        identity = node_text(node_id, self.namespaces)
        try:
            name = await self._client.get_node(node_id).read_browse_name()
            path = await self._path(node_id, name.Name or "")
            return NodeFacts(id=identity, path="/".join(path) or identity, unit=await self._unit(node_id))
        except UaStatusCodeError:
            return NodeFacts(id=identity, path=identity)

    async def _path(self, node_id: ua.NodeId, name: str) -> tuple[str, ...]:
        """Browse names from Objects down to the node."""
        chain = [(node_id, name)]
        while chain[-1][0] not in self._paths and len(chain) <= _DEEPEST:
            ask = _Ask(node=chain[-1][0], kind=ObjectIds.HierarchicalReferences, direction=_INVERSE)
            (parents,) = await self._browse([ask])
            if not parents:
                break
            chain.append((_plain_id(parents[0].NodeId), parents[0].BrowseName.Name or ""))
        path = self._paths.get(chain[-1][0])
        for known, step in reversed(chain[:-1] if path is not None else chain):
            path = (*(path or ()), clean(step))
            self._paths[known] = path
        return path or ()

    async def _unit(self, node_id: ua.NodeId) -> str | None:
        (properties,) = await self._browse([_Ask(node=node_id, kind=ObjectIds.HasProperty)])
        for reference in properties:
            if reference.BrowseName.Name == "EngineeringUnits":
                unit = await self._client.get_node(_plain_id(reference.NodeId)).read_value()
                return clean(unit.DisplayName.Text or "") or None
        return None

    async def _child(self, node_id: ua.NodeId, step: str) -> ua.NodeId:
        (children,) = await self._browse([_Ask(node=node_id, kind=ObjectIds.HierarchicalReferences)])
        for reference in children:
            if reference.BrowseName.Name == step:
                return _plain_id(reference.NodeId)
        raise KeyError(step)

    async def _ancestor(self, kind: ua.NodeId) -> str:
        for _ in range(_DEEPEST):
            if (name := standard_name(kind)) is not None:
                return name
            (parents,) = await self._browse([_Ask(node=kind, kind=ObjectIds.HasSubtype, direction=_INVERSE)])
            if not parents:
                break
            kind = _plain_id(parents[0].NodeId)
        return ""

    async def _browse(self, asks: Sequence[_Ask]) -> list[list[ua.ReferenceDescription]]:
        """What each ask finds, in order; raises UaStatusCodeError where the server refuses one."""
        found = []
        for start in range(0, len(asks), _AT_ONCE):
            wish = ua.BrowseParameters(
                RequestedMaxReferencesPerNode=ua.UInt32(_PAGE),
                NodesToBrowse=[ask.description() for ask in asks[start : start + _AT_ONCE]],
            )
            for result in await self._client.uaclient.browse(wish):
                result.StatusCode.check()
                found.append([*result.References, *await self._rest(result.ContinuationPoint)])
        if len(found) != len(asks):
            raise UaError(f"{len(asks)} nodes were asked about and {len(found)} answered")
        return found

    async def _rest(self, point: bytes | None) -> list[ua.ReferenceDescription]:
        found: list[ua.ReferenceDescription] = []
        while point and len(found) < _MOST:
            wish = ua.BrowseNextParameters(ReleaseContinuationPoints=False, ContinuationPoints=[ua.ByteString(point)])
            (result,) = await self._client.uaclient.browse_next(wish)
            result.StatusCode.check()
            if not result.References:
                break
            found += result.References
            point = result.ContinuationPoint
        return found

    def _by_index(self, word: str) -> str:
        space, _, rest = word.partition(";")
        if space.startswith("nsu="):
            return f"ns={self.namespaces.index(space.removeprefix('nsu='))};{rest}"
        return word


def _plain_id(node_id: ua.NodeId) -> ua.NodeId:
    """Without server and namespace URI, which a reference within a server leaves out."""
    return ua.NodeId(node_id.Identifier, node_id.NamespaceIndex, node_id.NodeIdType)


def where_is_one_of(kinds: Iterable[ua.NodeId]) -> ua.ContentFilter:
    """Events of exactly these types (Part 4, 7.7.3)."""
    kind = ua.SimpleAttributeOperand(
        TypeDefinitionId=standard_id(ObjectIds.BaseEventType),
        BrowsePath=[ua.QualifiedName("EventType", 0)],
        AttributeId=AttributeIds.Value,
    )
    literals = [ua.LiteralOperand(Value=ua.Variant(one, ua.VariantType.NodeId)) for one in kinds]
    element = ua.ContentFilterElement(FilterOperator=ua.FilterOperator.InList, FilterOperands=[kind, *literals])
    return ua.ContentFilter(Elements=[element])
