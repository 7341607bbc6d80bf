"""The agents' ports of a serving process: each requires or issues certificates, which are renewed while it serves."""

import os
import ssl
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Final

from ledger.api.agents import agent_ca
from ledger.api.app import create_agents_app
from ledger.api.tls import CertifiedProtocol
from ledger.listener import Listener
from ledger.service import Service

_RENEW_SECONDS: Final = 86_400.0
"""Seconds between new certificates of the agents' ports."""


class AgentListeners:
    """The agents' ports that the settings name; their own certificate is renewed while they are open."""

    def __init__(self, service: Service) -> None:
        ports = service.settings.agents
        self._listeners: dict[str, Listener] = {}
        self._contexts: list[ssl.SSLContext] = []
        self._stopped = threading.Event()
        self._ca = agent_ca(service)
        self._renewing = threading.Thread(target=self._keep_renewed, name="agent certificates", daemon=True)
        if ports.port is None and ports.enrol_port is None:
            return
        self._ca.ensure()
        for name, port in (("deliveries", ports.port), ("enrolment", ports.enrol_port)):
            if port is not None:
                app = partial(create_agents_app, service, enrolment=name == "enrolment")
                self._listeners[name] = Listener(
                    name, ports.host, port, app, self._context(name), http=CertifiedProtocol
                )

    @property
    def addresses(self) -> dict[str, str]:
        """Name → URL of each."""
        return {name: f"https://{listener.place}" for name, listener in self._listeners.items()}

    def start(self) -> None:
        """Opens them."""
        for listener in self._listeners.values():
            listener.start()
        if self._listeners:
            self._renewing.start()

    def stop(self) -> None:
        """Closes them."""
        self._stopped.set()
        for listener in self._listeners.values():
            listener.stop()

    def _context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if name == "deliveries":
            context.load_verify_locations(self._ca.file)
            context.verify_mode = ssl.CERT_REQUIRED
        self._load(context)
        self._contexts.append(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        # The library reads a certificate from files alone; this one is gone once it has.
        descriptor, name = tempfile.mkstemp(prefix="trailseal-", suffix=".pem")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._ca.server())
            context.load_cert_chain(name)
        finally:
            Path(name).unlink()

    def _keep_renewed(self) -> None:
        while not self._stopped.wait(_RENEW_SECONDS):
            for context in self._contexts:
                self._load(context)
