"""What an OPC UA server says of itself, read once a session: product, how watched nodes are set up, whether it audits.

- version: `BuildInfo` of the server's status (product, software version, build);
- schema: a fingerprint of the namespaces and of what each watched node is (data type, rank, access, whether it keeps a
  history). All of the address space is not read: servers have millions of nodes;
- audit trail: `Auditing`, and whether the server keeps its events for reading later.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaStatusCodeError

from collectors.facts import facts, fingerprint
from collectors.ot.opcua_nodes import standard_id
from collectors.ot.opcua_values import node_text, plain
from collectors.ot.opcua_wire import BoundedClient
from ledger.core.run import SourceFacts

_AT_ONCE: Final = 100
_BUILD: Final = (
    ObjectIds.Server_ServerStatus_BuildInfo_ProductName,
    ObjectIds.Server_ServerStatus_BuildInfo_SoftwareVersion,
    ObjectIds.Server_ServerStatus_BuildInfo_BuildNumber,
)
_SET_UP: Final = (
    AttributeIds.DataType,
    AttributeIds.ValueRank,
    AttributeIds.AccessLevel,
    AttributeIds.UserAccessLevel,
    AttributeIds.Historizing,
)


async def server_facts(
    client: BoundedClient, namespaces: Sequence[str], watched: Sequence[ua.NodeId]
) -> SourceFacts | None:
    """What the server lets this account read of it."""
    build = await _read(client, [standard_id(number) for number in _BUILD], AttributeIds.Value)
    words = dict.fromkeys(str(value) for value in build if value)
    (auditing,) = await _read(client, [standard_id(ObjectIds.Server_Auditing)], AttributeIds.Value)
    (notifier,) = await _read(client, [standard_id(ObjectIds.Server)], AttributeIds.EventNotifier)
    said = [] if auditing is None else [f"auditing {'on' if auditing else 'off'}"]
    if isinstance(notifier, int):
        said.append(f"event history {'kept' if notifier & 1 << ua.EventNotifier.HistoryRead else 'not kept'}")
    nodes = [part async for part in _set_up(client, namespaces, watched)]
    return facts(
        version=" ".join(words),
        schema=fingerprint([*namespaces, *nodes]),
        audit_trail=", ".join(said),
    )


async def _set_up(client: BoundedClient, namespaces: Sequence[str], watched: Sequence[ua.NodeId]) -> AsyncIterator[str]:
    """A line for each watched node: what it is, in the order of the attributes."""
    columns = [await _read(client, watched, attribute) for attribute in _SET_UP]
    for node, *values in zip(watched, *columns, strict=True):
        words = (str(plain(value, namespaces)) for value in values)
        yield f"{node_text(node, namespaces)} {' '.join(words)}"


async def _read(client: BoundedClient, nodes: Sequence[ua.NodeId], attribute: AttributeIds) -> list[object]:
    """The attribute of each node; None where the server does not give it."""
    found: list[object] = []
    for start in range(0, len(nodes), _AT_ONCE):
        asked = list(nodes[start : start + _AT_ONCE])
        try:
            answers = await client.uaclient.read_attributes(asked, attribute)
        except UaStatusCodeError:
            answers = []
        values = [one.Value.Value if one.Value is not None else None for one in answers]
        found += values if len(values) == len(asked) else [None] * len(asked)
    return found
