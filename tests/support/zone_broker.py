"""A mosquitto between the zones: TLS, client certificates, and topics that only their own agent may use."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collectors.agent.identity import Identity
from collectors.ot.mqtt_session import Access, Session
from ledger.api.agents import agent_ca
from ledger.core.errors import CollectorError
from ledger.settings import AgentBroker
from tests.support.certificates import Authority
from tests.support.edge import Plant, Site
from tests.support.mosquitto import Mosquitto

DEPLOYED = Path(__file__).parents[2] / "deploy" / "edge"
"""What a site is given to set its broker up with: this one is set up with it."""
PREFIX = "plant/edge"
LEDGER, ROGUE = "Trailseal", "rogue"
"""Names in certificates; the rogue's is a broker's manager, who may read and write every topic."""


class ZoneBroker(Mosquitto):
    """Knows agents by the certificates of their ledger's authority."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.authority = Authority(folder)
        self._clients = folder / "clients.pem"
        self._clients.write_bytes(self.authority.file.read_bytes())
        certificate, key = self.authority.issue("broker")
        self._certificates = {name: self.authority.issue(name) for name in (LEDGER, ROGUE)}
        acl = folder / "acl"
        rights = (DEPLOYED / "trailseal.acl").read_text(encoding="utf-8").replace(" trailseal/", f" {PREFIX}/")
        acl.write_text(f"{rights}\nuser {ROGUE}\ntopic readwrite #\n", encoding="utf-8")
        places = {
            "/etc/mosquitto/conf.d/trailseal.acl": acl,
            "/etc/mosquitto/conf.d/clients.crt": self._clients,
            "/etc/mosquitto/conf.d/broker.crt": certificate,
            "/etc/mosquitto/conf.d/broker.key": key,
        }
        text = (DEPLOYED / "mosquitto.conf").read_text(encoding="utf-8")
        for written, place in places.items():
            assert text.count(f" {written}\n") == 1
            text = text.replace(f" {written}\n", f" {place}\n")
        settings, listener = text.split("\nlistener 8883\n")
        super().__init__(folder, settings.splitlines(), listener.splitlines())

    @property
    def url(self) -> str:
        return f"mqtts://127.0.0.1:{self.port}"

    def trust(self, plant: Plant) -> None:
        """Takes the agents of this ledger in from its next start on."""
        with plant.opened() as service:
            agent_ca(service).ensure()
            self._clients.write_bytes(self.authority.file.read_bytes() + agent_ca(service).pem.encode())

    def settings(self) -> AgentBroker:
        """What the ledger is told of it."""
        certificate, key = self._certificates[LEDGER]
        return AgentBroker(
            url=self.url, certificate=str(certificate), key=str(key), ca=str(self.authority.file), prefix=PREFIX
        )

    def use(self, site: Site, answer_s: float = 8.0) -> None:
        """The agent goes over this broker from its next start on."""
        site.config["broker"] = f'{{ ca = "{self.authority.file}", prefix = "{PREFIX}", answer_s = {answer_s} }}'
        site.configure(self.url)

    def access(self, name: str = ROGUE) -> Access:
        """How a holder of that certificate gets in."""
        certificate, key = self._certificates[name]
        return Access(
            url=self.url,
            client_id=f"test-{name}",
            ca=str(self.authority.file),
            certificate=str(certificate),
            key=str(key),
        )

    def access_of(self, identity: Identity) -> Access:
        """How an agent gets in, by another connection than its own."""
        return Access(
            url=self.url,
            client_id=f"test-{identity.name}",
            ca=str(self.authority.file),
            certificate=str(identity.tls_file),
        )

    @contextmanager
    def rogue(self) -> Iterator[Session]:
        """The broker's own hands: whatever it could do to messages, this can."""
        with Session(self.access(), clean=True) as session:
            yield session

    def _answers(self) -> bool:
        try:
            with Session(self.access(), clean=True):
                return True
        except (CollectorError, ssl.SSLError):
            return False
