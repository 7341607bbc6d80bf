"""Runs the demo's control system until it is told to stop: address space, simulation, alarm, audit, history.

Kept over a restart, from the history file in the folder: every value that a client wrote, every edit of these values,
and all events. Process values start at their set point.
"""

import asyncio
import contextlib
import json
import random
import signal
import socket
from pathlib import Path

from asyncua import ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.server.server import Server
from asyncua.ua.object_ids import ObjectIds
from cryptography.x509.oid import ExtendedKeyUsageOID

from collectors.demo.opcua_alarm import HighAlarm
from collectors.demo.opcua_audit import AuditedServer, KnownUsers
from collectors.demo.opcua_events import Emitter
from collectors.demo.opcua_history import PlantHistory
from collectors.demo.opcua_history_edit import serve_history_updates
from collectors.demo.opcua_ids import named_id, standard_id
from collectors.demo.opcua_plant import ALARM_INPUT, NAMESPACE, TAGS, Plant, build
from ledger.core.clock import SystemClock

HISTORY_FILE = "opcua-history.sqlite"
USERS_FILE = "opcua-users.json"
_SERVER_URI = f"{NAMESPACE}:server"
_STEP = 0.25
"""Seconds between two looks of the simulated process."""
_LAG = 1.5
"""Time constant, in seconds, with which a process value follows its set point."""


async def serve(folder: Path, port: int) -> None:
    """Serves opc.tcp://127.0.0.1:`port`/ until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serve_history_updates()
    core = AuditedServer(KnownUsers(_passwords(folder)), _SERVER_URI)
    core.bind_condition_methods = True
    history = PlantHistory(folder / HISTORY_FILE, core.aspace)
    core.history_manager.set_storage(history)
    server = Server(iserver=core)
    await server.init()
    await server.set_application_uri(_SERVER_URI)
    server.set_server_name("Trailseal demo control system")
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    await _take_certificate(server, folder)
    server.set_identity_tokens([ua.UserNameIdentityToken])
    plant = await _build(server, history)
    emitter = Emitter(SystemClock(), history, core.subscription_service)
    core.begin_auditing(plant, emitter)
    alarm = HighAlarm(plant, emitter)
    await alarm.install(server)
    async with server:
        simulation = asyncio.create_task(_simulate(plant, alarm))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({simulation, stopping}, return_when=asyncio.FIRST_COMPLETED)
        simulation.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await simulation


def _passwords(folder: Path) -> dict[str, str]:
    passwords: dict[str, str] = json.loads((folder / USERS_FILE).read_text(encoding="utf-8"))
    return passwords


async def _take_certificate(server: Server, folder: Path) -> None:
    """Self-signed, made once a folder: with it, clients encrypt passwords even where they do not encrypt the rest."""
    key, certificate = folder / "opcua-key.pem", folder / "opcua-certificate.der"
    await setup_self_signed_certificate(
        key,
        certificate,
        _SERVER_URI,
        socket.gethostname(),
        [ExtendedKeyUsageOID.SERVER_AUTH],
        {"commonName": "Trailseal demo control system"},
    )
    await server.load_certificate(certificate)
    await server.load_private_key(key)


async def _build(server: Server, history: PlantHistory) -> Plant:
    index = await server.register_namespace(NAMESPACE)
    kept = {tag.name: history.last_value(named_id(tag.name, index)) for tag in TAGS}
    plant = await build(server, index, {name: value for name, value in kept.items() if value is not None})
    for tag in TAGS:
        if kept[tag.name] is None and tag.right is not None:
            value = await plant.nodes[tag.name].read_data_value()
            await history.save_node_value(named_id(tag.name, index), value)
    await server.nodes.server.set_event_notifier([ua.EventNotifier.SubscribeToEvents, ua.EventNotifier.HistoryRead])
    await server.get_node(standard_id(ObjectIds.Server_Auditing)).write_value(True)
    return plant


async def _simulate(plant: Plant, alarm: HighAlarm) -> None:
    """Lets every process value follow its set point as a first-order lag, with a little measuring noise."""
    noise = random.Random(20261125)  # noqa: S311 (a simulation, seeded so that it can be repeated)
    loops = [name.removesuffix(".PV") for name in plant.nodes if name.endswith(".PV")]
    true = {loop: float(await plant.nodes[f"{loop}.SP"].read_value()) for loop in loops}
    while True:
        for loop in loops:
            target = float(await plant.nodes[f"{loop}.SP"].read_value())
            true[loop] += (target - true[loop]) * _STEP / _LAG
            shown = round(true[loop] + noise.gauss(0.0, 0.02), 1)
            await plant.nodes[f"{loop}.PV"].write_value(shown)
            if f"{loop}.PV" == ALARM_INPUT:
                await alarm.follow(shown)
        await asyncio.sleep(_STEP)
