"""One agent at a stream's rate: agent.mqtt, agent.syslog and the deliveries, events a second.

An agent that a serving ledger enrolled reads from mosquitto (QoS 1) and takes syslog over TLS, as fast as the sender is
taken: each event is mapped, and signed and numbered in the agent's spool, on stable storage, before the broker is told
that it need not keep it. Then the spool is handed over to `trailseal serve`, with certificates on both sides: one half
of it over HTTP (agent.delivery), the other over an MQTT 5 broker between the zones (agent.delivery_broker).
Broker or sender, agent and ledger share the machine. An event that is lost, doubled or rejected fails the measurement.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from collectors.agent.config import AgentConfig, Broker
from collectors.demo.process import free_port
from collectors.mapping.templates import template
from ledger.api.agents import invite
from ledger.core.clock import SystemClock, utc_text
from ledger.core.source import SourceConfig
from tests.bench.collecting import MARK, Look, Task, Told
from tests.bench.drivers import Child, collecting
from tests.bench.harness import Bench
from tests.support.certificates import Authority
from tests.support.edge import INVITER, Plant, Site
from tests.support.mosquitto import Mosquitto
from tests.support.zone_broker import PREFIX, ZoneBroker

EVENTS = 20_000
WANTED = "≥ 5000"
TOPIC = "plant/site-a/area-1/line-1/reactor-1"
_SENDER = """
import socket, ssl, sys
port, authority, file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=authority)
with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(
    plain, server_hostname="collector.example") as to, open(file, "rb") as messages:
    while data := messages.read(60000):
        to.sendall(data)
    to.unwrap()
"""


def measure(bench: Bench) -> None:
    """Adds agent.*: each in events a second, and in CPU of the agent, user and system, a thousand events."""
    with tempfile.TemporaryDirectory(prefix="trailseal-bench-agent-") as name:
        folder = Path(name)
        between = ZoneBroker(folder / "between")
        plant = Plant(folder, broker=between.settings())
        between.trust(plant)
        between.start()
        try:
            with plant:
                _from_mqtt(bench, plant, folder, between)
                _from_syslog(bench, plant, folder)
        finally:
            between.stop()


def _from_mqtt(bench: Bench, plant: Plant, folder: Path, between: ZoneBroker) -> None:
    (folder / "mqtt").mkdir()
    broker = Mosquitto(folder / "mqtt", ["max_inflight_messages 0"])
    broker.start()
    try:
        options = {"url": broker.url, "user": "collector", "topics": "plant/#", "qos": "1", "protocol": "5"}
        mapping = template("unified-namespace-json").text
        config = SourceConfig(id="uns", type="mqtt", title="UNS", options=options, mapping=mapping)
        path = folder / "messages.jsonl"
        path.write_text("".join(json.dumps(_event(number)) + "\n" for number in range(EVENTS)))
        command = [*broker.command("mosquitto_pub"), "-t", TOPIC, "-q", "1", "-l", "-V", "5"]
        over = AgentConfig(server=between.url, broker=Broker(ca=str(between.authority.file), prefix=PREFIX))
        with _agent(plant, config, {"password": broker.passwords["collector"]}, over) as child:
            child.look(Look())
            told = _flood(child, lambda: subprocess.Popen(command, stdin=path.open("rb")))
            _tell(bench, "agent.mqtt", WANTED, told)
            _tell(bench, "agent.delivery", "reported", child.look(Look(deliver=2)), EVENTS // 4)
            by_broker = child.look(Look(deliver=1, way="broker"))
            _tell(bench, "agent.delivery_broker", "reported", by_broker, EVENTS // 4)
    finally:
        broker.stop()


def _from_syslog(bench: Bench, plant: Plant, folder: Path) -> None:
    authority, port = Authority(folder), free_port()
    certificate, key = authority.issue("collector.example")
    options = {
        "listen": f"tls://127.0.0.1:{port}",
        "certificate": str(certificate),
        "key": str(key),
        "spool": str(folder / "syslog-spool"),
    }
    mapping = template("syslog-messages").text
    config = SourceConfig(id="logs", type="syslog", title="Logs", options=options, mapping=mapping)
    path = folder / "messages"
    path.write_bytes(b"".join(_frame(number) for number in range(EVENTS)))
    command = [sys.executable, "-c", _SENDER, str(port), str(authority.file), str(path)]
    with _agent(plant, config, {}) as child:
        child.look(Look())
        _tell(bench, "agent.syslog", WANTED, _flood(child, lambda: _until_heard(command)))


def _flood(child: Child, send: Callable[[], subprocess.Popen[bytes]]) -> Told:
    child.begin(Look(low=0, high=EVENTS))
    with send() as sender:
        told = child.answer()
        if sender.wait(30):
            raise RuntimeError(f"the sender ended with {sender.returncode}")
    return told


def _until_heard(command: list[str]) -> subprocess.Popen[bytes]:
    """Starts the sender anew until somebody listens."""
    while True:
        sender = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            if not sender.wait(0.3):
                return sender
        except subprocess.TimeoutExpired:
            return sender


@contextmanager
def _agent(
    plant: Plant, config: SourceConfig, secrets: dict[str, str], broker: AgentConfig | None = None
) -> Iterator[Child]:
    """An agent of its own for the source, enrolled and confirmed."""
    site = Site(plant, f"edge-{config.type}", [], None, 0.0)
    server, enrol = (f"https://127.0.0.1:{port}" for port in (plant.ports.port, plant.ports.enrol_port))
    with plant.opened() as service:
        service.sources.register(config, INVITER)
        code = invite(service, site.name, (config.id,), "zone 2", "for the bench", INVITER, None).code
    site.enrol(server, enrol, code)
    task = Task(config=config, secrets=secrets, listen=0.3, agent=str(site.folder), server=server, broker=broker)
    with collecting(task) as child:
        yield child


def _event(number: int) -> dict[str, object]:
    event: dict[str, object] = {"id": f"e-{number}", "timestamp": utc_text(SystemClock().now_us()), "event": "update"}
    event |= {"user": "operator1", "tag": "TIC101/SP", "old": 71.25, "new": f"{MARK}{number}"}
    return event | {"batch": "B-2026-17", "reason": "as ordered"}


def _frame(number: int) -> bytes:
    head = f"<13>1 {utc_text(SystemClock().now_us())} host control - CHG"
    message = f'{head} [audit@32473 user="op1" tag="TIC101.SP" old="50" new="55.5"] {MARK}{number}'.encode()
    return b"%d %s" % (len(message), message)


def _tell(bench: Bench, name: str, wanted: str, told: Told, events: int = EVENTS) -> None:
    if told.missing or told.rejected or told.events < events:
        raise RuntimeError(f"{name}: {told.missing} events are lost, {told.rejected} rejected, {told.events} came")
    bench.add(f"{name}.events_per_s", told.events / told.seconds, wanted, f"{told.events:,} in {told.seconds:.2f} s")
    says = f"{told.events / told.cpu:,.0f} events in a second of the agent's own CPU"
    bench.add(f"{name}.cpu_ms_per_1000", told.cpu / told.events * 1e6, "reported", says)
