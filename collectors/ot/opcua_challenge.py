"""Plants a challenge in an OPC UA server: writes one test node, as a user of its own."""

import asyncio
from collections.abc import Mapping
from typing import Final

from asyncua import ua
from asyncua.common.node import Node
from asyncua.ua.uaerrors import UaStatusCodeError

from collectors.base import Option, Secret
from collectors.challenge import Planter
from collectors.ot.opcua_connect import Access, connected, explain
from collectors.ot.opcua_nodes import NodeBook
from collectors.ot.opcua_values import render_variant
from ledger.core.clock import WallClock
from ledger.core.errors import FatalSource, RetriableSource

_WHOLE: Final = frozenset(
    {
        *(ua.VariantType.SByte, ua.VariantType.Byte, ua.VariantType.Int16, ua.VariantType.UInt16),
        *(ua.VariantType.Int32, ua.VariantType.UInt32, ua.VariantType.Int64, ua.VariantType.UInt64),
    }
)
_BROKEN: Final = frozenset({ua.VariantType.Float, ua.VariantType.Double})
_LOST: Final = (ua.uaerrors.BadTimeout, ua.uaerrors.BadConnectionClosed, ua.uaerrors.BadCommunicationError)


class OpcUaPlanter(Planter):
    """See the module. The node holds a text or a number; its type is kept."""

    type = "opcua"
    title = "writes a test node of an OPC UA server"
    options = (
        Option(name="url", meaning="endpoint, opc.tcp://HOST:PORT/PATH", required=True),
        Option(name="user", meaning="user name of the challenge's own", required=True),
        Option(name="node", meaning="the test node: its id (nsu=URI;s=NAME) or path (UNIT/TAG/NAME)", required=True),
        Option(name="security", meaning="POLICY,MODE,CERTIFICATE,KEY[,SERVER CERTIFICATE] (files)"),
        Option(name="plain_password", meaning="yes: send the password as plain text", default="no"),
    )
    secrets = (Secret(name="password", meaning="the user's password"),)

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        self._access = Access(
            url=self.option("url"),
            user=self.option("user"),
            password=self.secret("password"),
            security=self.option("security"),
            plain_password=self.word("plain_password", ("yes", "no")) == "yes",
        )

    def read(self) -> str | None:
        try:
            return asyncio.run(self._read())
        except Exception as error:  # whatever the library raises comes out as one of our errors
            raise explain(error, self._access) from None

    def plant(self, old: str | None, new: str) -> None:
        try:
            asyncio.run(self._write(new))
        except UaStatusCodeError as error:
            if isinstance(error, _LOST):
                raise RetriableSource(f"whether {self.option('node')} was written is not known: {error}") from None
            raise FatalSource(
                f"the OPC UA server did not let {self.option('user')} write {self.option('node')}: {error}",
                advice="Give the user the right to write this node, and no other.",
            ) from None
        except Exception as error:  # whatever the library raises comes out as one of our errors
            raise explain(error, self._access) from None

    async def _read(self) -> str | None:
        async with connected(self._access) as client:
            node = await (await NodeBook.open(client)).find(self.option("node"))
            return (await self._present(node))[1]

    async def _write(self, new: str) -> None:
        async with connected(self._access) as client:
            node = await (await NodeBook.open(client)).find(self.option("node"))
            kind, _ = await self._present(node)
            value = int(new) if kind in _WHOLE else float(new) if kind in _BROKEN else new
            await node.write_value(ua.DataValue(ua.Variant(value, kind)))

    async def _present(self, node: Node) -> tuple[ua.VariantType, str | None]:
        held = (await node.read_data_value(raise_on_bad_status=False)).Value
        kind = ua.VariantType.String if held is None else held.VariantType
        if (kind is not ua.VariantType.String and kind not in _WHOLE | _BROKEN) or (held is not None and held.is_array):
            raise FatalSource(
                f"the node {self.option('node')} holds neither a text nor a number: {kind.name}",
                advice="Name a test node of type String, Double or a whole number.",
            )
        value = render_variant(held, ())
        return kind, None if value is None else str(value)
