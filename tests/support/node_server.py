"""node-opcua, an OPC UA server of another make than asyncua, as a process of its own (tests/support/node_opcua)."""

import asyncio
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

from collectors.demo.process import ServerProcess, free_port, new_secret, write_private
from tests.support.node import NODE

_ROOT = Path(__file__).parents[2]
_MODULES = _ROOT / ".venv" / "node-opcua" / "node_modules"
_PLANT = "urn:plain.example:plant"
_CLIENT = "urn:plain.example:client"
_READY_SECONDS = 60.0


class NodeServer:
    """Serves signed and encrypted sessions on loopback while entered; its port stays the same over a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}/line"
        self.passwords = {user: new_secret() for user in ("collector", "operator1")}
        write_private(folder / "users.json", json.dumps(self.passwords))
        for name, uri in (("collector", "urn:trailseal:collector"), ("operator1", _CLIENT)):
            asyncio.run(_certificate(folder, name, uri))
        self._process: ServerProcess | None = None

    def security(self, user: str) -> str:
        """What a client of this user says of security: its certificate and key."""
        return f"Basic256Sha256,SignAndEncrypt,{self.folder / f'{user}.der'},{self.folder / f'{user}.pem'}"

    def start(self) -> None:
        assert _MODULES.is_dir(), "node-opcua is not installed: make .venv/.node-opcua"
        process = ServerProcess(
            "node-opcua server",
            [str(NODE), str(Path(__file__).parent / "node_opcua" / "server.js"), str(self.port), str(self.folder)],
            self.folder / "server.log",
            {"NODE_PATH": str(_MODULES)},
        )
        process.wait_ready(self._answers, _READY_SECONDS)
        self._process = process

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def write(self, name: str, values: Sequence[float | str], pause: float = 0.0) -> None:
        """operator1 writes the values into a node, one after the other; it samples nodes every 50 ms."""
        asyncio.run(self._write(name, values, pause))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _write(self, name: str, values: Sequence[float | str], pause: float) -> None:
        client = Client(self.url)
        client.application_uri = _CLIENT
        client.set_user("operator1")
        client.set_password(self.passwords["operator1"])
        await client.set_security_string(self.security("operator1"))
        async with client:
            index = await client.get_namespace_index(_PLANT)
            node = client.get_node(ua.NodeId(ua.String(name), ua.Int16(index)))
            for value in values:
                await node.write_value(ua.DataValue(ua.Variant(value)))
                await asyncio.sleep(pause)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


async def _certificate(folder: Path, name: str, uri: str) -> None:
    usage = [ExtendedKeyUsageOID.CLIENT_AUTH]
    await setup_self_signed_certificate(
        folder / f"{name}.pem", folder / f"{name}.der", uri, "localhost", usage, {"commonName": name}
    )
