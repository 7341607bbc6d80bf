"""The ports of a serving process: each an HTTP application on a socket of its own, in a thread of its own."""

import contextlib
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvicorn
from litestar import Litestar

from ledger.api.agents import agent_ca
from ledger.api.app import create_agents_app
from ledger.api.tls import CertifiedProtocol
from ledger.core.errors import ConfigError
from ledger.service import Service

_START_SECONDS: Final = 30.0
_RENEW_SECONDS: Final = 86_400.0
"""Seconds between new certificates of the agents' ports."""


class Listener:
    """One port. It listens from the start; requests are answered from `start` to `stop`."""

    def __init__(
        self, name: str, host: str, port: int, app: Callable[[], Litestar], tls: ssl.SSLContext | None = None
    ) -> None:
        """`app` makes the application, once the port is known to be free."""
        self._socket = _listen(host, port)
        more: dict[str, Any] = {}
        if tls is not None:
            more = {"ssl_context_factory": lambda _config, _default: tls, "http": CertifiedProtocol}
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app(),
                log_level="warning",
                access_log=False,
                lifespan="on",
                server_header=False,
                timeout_graceful_shutdown=10,
                **more,
            )
        )
        self._thread = threading.Thread(
            target=self._uvicorn.run, kwargs={"sockets": [self._socket]}, name=name, daemon=True
        )

    @property
    def place(self) -> str:
        """Host and port as they stand in a URL."""
        host, port = self._socket.getsockname()[:2]
        return f"{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> None:
        """Returns once requests are answered; raises ConfigError if that does not come about."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_SECONDS / 0.02)):
            if self._uvicorn.started:
                return
            if not self._thread.is_alive() or waited.wait(0.02):
                break
        raise ConfigError("the service did not start", advice="See the messages above; `trailseal doctor` helps.")

    def stop(self) -> None:
        """Ends it; requests that are being answered are given time. Without effect if it did not start."""
        self._uvicorn.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        with contextlib.suppress(OSError):
            self._socket.close()


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
                self._listeners[name] = Listener(name, ports.host, port, app, self._context(name))

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


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            advice="Choose another port: --port, or [listen] or [agents] in trailseal.toml.",
        ) from None
