"""What the demo's control system consists of: units, tags, engineering units, users and who may write what.

The names are the whole contract with a collector. Node ids are strings in the namespace `NAMESPACE`, built from the
place in the plant, so that they stay the same over restarts: `ns=<i>;s=REACTOR-1.TIC101.SP`. A tag that somebody may
write has a readable history (raw values), in which the value that the server started with comes first.

| node | type | unit | written by |
| --- | --- | --- | --- |
| `REACTOR-1.TIC101.SP`, `.PV`, `.Mode` | Double, Double, String | °C | SP, Mode: operator1, engineer1; PV: nobody |
| `REACTOR-1.PIC201.SP`, `.PV` | Double | bar | SP: operator1, engineer1; PV: nobody |
| `REACTOR-1.Recipe.SetpointTemp`, `.HoldTime` | Double | °C, min | engineer1 |
| `REACTOR-1.Batch.Id`, `.State` | String | | operator1, engineer1 |
| `BUFFER-2.LIC301.SP`, `.PV` | Double | % | SP: operator1, engineer1; PV: nobody |

The history of such a tag can be edited afterwards (HistoryUpdate) by engineer1, and says who did (modified values).

`REACTOR-1.Batch.Id` is the running batch, empty when the unit is free. Every tag hangs under
Objects/<unit>/<object>/<name>; a tag with a unit carries the property EngineeringUnits (OPC UA Part 8, 5.6.3).
"""

from enum import StrEnum

import msgspec
from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds

from collectors.demo.opcua_ids import named_id

NAMESPACE = "urn:trailseal:demo:dcs"
REACTOR = "REACTOR-1"
BUFFER = "BUFFER-2"
BATCH_ID = f"{REACTOR}.Batch.Id"
BATCH_STATE = f"{REACTOR}.Batch.State"
ALARM = f"{REACTOR}.TIC101.HI"
ALARM_SOURCE = f"{REACTOR}.TIC101"
ALARM_INPUT = f"{REACTOR}.TIC101.PV"
ALARM_LIMIT = 85.0

_UNECE_NAMESPACE = "http://www.opcfoundation.org/UA/units/un/cefact"


class Right(StrEnum):
    """What a user of the control system may do beyond reading."""

    OPERATE = "operate"
    RECIPE = "recipe"
    ACKNOWLEDGE = "acknowledge"
    EDIT_HISTORY = "edit-history"


USER_RIGHTS: dict[str, frozenset[Right]] = {
    "operator1": frozenset({Right.OPERATE, Right.ACKNOWLEDGE}),
    "engineer1": frozenset({Right.OPERATE, Right.RECIPE, Right.EDIT_HISTORY}),
    "collector": frozenset(),
}


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """An engineering unit: what is shown, and its UNECE Recommendation 20 code, from which OPC UA makes its number."""

    symbol: str
    name: str
    code: str

    @property
    def unit_id(self) -> int:
        """The code's characters as one number, first character highest (OPC UA Part 8, 5.6.3.3)."""
        return int.from_bytes(self.code.encode("ascii"), "big")


CELSIUS = Unit(symbol="°C", name="degree Celsius", code="CEL")
BAR = Unit(symbol="bar", name="bar", code="BAR")
MINUTE = Unit(symbol="min", name="minute", code="MIN")
PERCENT = Unit(symbol="%", name="percent", code="P1")


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """One variable of the control system; `right` is what a user needs to write it, null when nobody may."""

    name: str
    initial: float | str
    unit: Unit | None = None
    right: Right | None = None

    @property
    def variant_type(self) -> ua.VariantType:
        return ua.VariantType.String if isinstance(self.initial, str) else ua.VariantType.Double


TAGS: tuple[Tag, ...] = (
    Tag(name=f"{REACTOR}.TIC101.SP", initial=25.0, unit=CELSIUS, right=Right.OPERATE),
    Tag(name=f"{REACTOR}.TIC101.PV", initial=25.0, unit=CELSIUS),
    Tag(name=f"{REACTOR}.TIC101.Mode", initial="AUTO", right=Right.OPERATE),
    Tag(name=f"{REACTOR}.PIC201.SP", initial=1.0, unit=BAR, right=Right.OPERATE),
    Tag(name=f"{REACTOR}.PIC201.PV", initial=1.0, unit=BAR),
    Tag(name=f"{REACTOR}.Recipe.SetpointTemp", initial=70.0, unit=CELSIUS, right=Right.RECIPE),
    Tag(name=f"{REACTOR}.Recipe.HoldTime", initial=30.0, unit=MINUTE, right=Right.RECIPE),
    Tag(name=BATCH_ID, initial="", right=Right.OPERATE),
    Tag(name=BATCH_STATE, initial="idle", right=Right.OPERATE),
    Tag(name=f"{BUFFER}.LIC301.SP", initial=50.0, unit=PERCENT, right=Right.OPERATE),
    Tag(name=f"{BUFFER}.LIC301.PV", initial=50.0, unit=PERCENT),
)


class Plant(msgspec.Struct, frozen=True, kw_only=True):
    """The built address space: every tag and object by its name, and what a user needs to write a node."""

    index: int
    nodes: dict[str, Node]
    rights: dict[ua.NodeId, Right]

    def node_id(self, name: str) -> ua.NodeId:
        return named_id(name, self.index)


async def build(server: Server, index: int, kept: dict[str, ua.DataValue]) -> Plant:
    """Creates all units and tags; a tag found in `kept` (its last value before a restart) starts with that value."""
    nodes: dict[str, Node] = {}
    rights: dict[ua.NodeId, Right] = {}
    for tag in TAGS:
        unit, owner, leaf = tag.name.split(".")
        if unit not in nodes:
            nodes[unit] = await server.nodes.objects.add_object(named_id(unit, index), ua.QualifiedName(unit, index))
        path = f"{unit}.{owner}"
        if path not in nodes:
            nodes[path] = await nodes[unit].add_object(named_id(path, index), ua.QualifiedName(owner, index))
        node_id = named_id(tag.name, index)
        node = await nodes[path].add_variable(
            node_id, ua.QualifiedName(leaf, index), tag.initial, varianttype=tag.variant_type
        )
        if tag.name in kept:
            await node.write_value(kept[tag.name])
        if tag.right is not None:
            await node.set_writable()
            await _open_history(node)
            rights[node_id] = tag.right
        if tag.unit is not None:
            await _add_unit(node, tag, tag.unit, index)
        nodes[tag.name] = node
    return Plant(index=index, nodes=nodes, rights=rights)


async def _open_history(node: Node) -> None:
    await node.write_attribute(AttributeIds.Historizing, ua.DataValue(ua.Variant(True)))
    for attribute in (AttributeIds.AccessLevel, AttributeIds.UserAccessLevel):
        await node.set_attr_bit(attribute, ua.AccessLevel.HistoryRead)
        await node.set_attr_bit(attribute, ua.AccessLevel.HistoryWrite)


async def _add_unit(node: Node, tag: Tag, unit: Unit, index: int) -> None:
    information = ua.EUInformation(
        NamespaceUri=_UNECE_NAMESPACE,
        UnitId=unit.unit_id,
        DisplayName=ua.LocalizedText(unit.symbol),
        Description=ua.LocalizedText(unit.name),
    )
    await node.add_property(
        named_id(f"{tag.name}.EngineeringUnits", index), ua.QualifiedName("EngineeringUnits", 0), information
    )
