"""Looks up what a server says about its nodes, once a session: path, engineering unit, standard event type."""

from typing import Self

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from collectors.ot.opcua_fields import standard_name
from collectors.ot.opcua_original import NodeFacts
from collectors.ot.opcua_values import node_text
from collectors.text import clean
from ledger.core.errors import FatalSource

_DEEPEST = 32


def standard_id(number: int) -> ua.NodeId:
    """A node of the OPC UA namespace."""
    return ua.NodeId(ua.Int32(number))


class NodeBook:
    """Remembers every answer for the length of a session: a path does not change under a running server."""

    def __init__(self, client: Client, namespaces: tuple[str, ...]) -> None:
        self._client = client
        self.namespaces = namespaces
        self._facts: dict[ua.NodeId, NodeFacts] = {}
        self._kinds: dict[ua.NodeId, str] = {}

    @classmethod
    async def open(cls, client: Client) -> Self:
        return cls(client, tuple(await client.get_namespace_array()))

    async def find(self, word: str) -> Node:
        """The node of an id (`nsu=URI;s=NAME`, `ns=2;s=NAME`, `i=85`) or a path of browse names from Objects."""
        try:
            if "=" in word.partition(";")[0]:
                node = self._client.get_node(ua.NodeId.from_string(self._by_index(word)))
                await node.read_browse_name()
                return node
            node = self._client.nodes.objects
            for step in word.split("/"):
                node = await self._child(node, step)
        except (UaStatusCodeError, UaError, KeyError, ValueError) as error:
            raise FatalSource(
                f"the OPC UA server knows no node {word!r}: {error}",
                advice="Give a node id (nsu=URI;s=NAME) or a path of browse names from Objects (UNIT/TAG/SP).",
            ) from None
        return node

    async def facts(self, node_id: ua.NodeId) -> NodeFacts:
        """Id, path and unit; for a node that the server no longer has, its id is its path."""
        if node_id not in self._facts:
            self._facts[node_id] = await self._look_up(self._client.get_node(node_id))
        return self._facts[node_id]

    async def standard_kind(self, kind: ua.NodeId) -> str:
        """The standard event type that this one is or descends from; empty where that cannot be found out."""
        if kind not in self._kinds:
            self._kinds[kind] = await self._ancestor(kind)
        return self._kinds[kind]

    async def _look_up(self, node: Node) -> NodeFacts:
        identity = node_text(node.nodeid, self.namespaces)
        try:
            steps = await self._steps(node)
            return NodeFacts(id=identity, path="/".join(steps) or identity, unit=await self._unit(node))
        except UaStatusCodeError:
            return NodeFacts(id=identity, path=identity)

    async def _steps(self, node: Node) -> list[str]:
        steps: list[str] = []
        top = {standard_id(ObjectIds.ObjectsFolder), standard_id(ObjectIds.RootFolder)}
        while node.nodeid not in top and len(steps) < _DEEPEST:
            steps.insert(0, clean((await node.read_browse_name()).Name or ""))
            parents = await node.get_referenced_nodes(ObjectIds.HierarchicalReferences, ua.BrowseDirection.Inverse)
            if not parents:
                break
            node = parents[0]
        return steps

    async def _unit(self, node: Node) -> str | None:
        for child in await node.get_properties():
            if (await child.read_browse_name()).Name == "EngineeringUnits":
                unit = await child.read_value()
                return clean(unit.DisplayName.Text or "") or None
        return None

    async def _child(self, node: Node, step: str) -> Node:
        for child in await node.get_children():
            if (await child.read_browse_name()).Name == step:
                return child
        raise KeyError(step)

    async def _ancestor(self, kind: ua.NodeId) -> str:
        node = self._client.get_node(kind)
        for _ in range(_DEEPEST):
            if (name := standard_name(node.nodeid)) is not None:
                return name
            parents = await node.get_referenced_nodes(ObjectIds.HasSubtype, ua.BrowseDirection.Inverse)
            if not parents:
                break
            node = parents[0]
        return ""

    def _by_index(self, word: str) -> str:
        space, _, rest = word.partition(";")
        if space.startswith("nsu="):
            return f"ns={self.namespaces.index(space.removeprefix('nsu='))};{rest}"
        return word
