"""A mail server and a webhook's receiver of the tests' own, on this machine, by real SMTP and HTTP."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from collectors.demo.process import free_port


class Mailbox:
    """What arrived, and what the server answers: `refusing` is its answer to addressees, if it refuses them."""

    def __init__(self) -> None:
        self.arrived: list[EmailMessage] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.refusing: dict[str, str] = {}
        self.changed = threading.Condition()
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the name that the server asks for
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refusing:
            return self.refusing[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        content = envelope.content
        assert isinstance(content, bytes)
        with self.changed:
            self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
            self.arrived.append(message_from_bytes(content, policy=POLICY))
            self.changed.notify_all()
        return "250 OK"

    def wait(self, count: int, seconds: float) -> list[EmailMessage]:
        """The mails, once there are so many; fails if they do not arrive in time."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.arrived) >= count, seconds), "no mail arrived"
            return list(self.arrived)


@contextmanager
def mail_server(
    box: Mailbox, port: int = 0, certificate: tuple[Any, Any] | None = None, password: str | None = None
) -> Iterator[Mailbox]:
    """A mail server that puts what it takes in the box; with a certificate it asks for TLS, with a password for it."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def authenticator(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == (password or "").encode()
        return AuthResult(success=good, handled=good)

    server = Controller(
        box,
        hostname="127.0.0.1",
        port=port or free_port(),
        tls_context=context,
        require_starttls=context is not None,
        authenticator=authenticator if password else None,
        auth_required=password is not None,
        auth_require_tls=context is not None,
    )
    server.start()
    box.port = server.port
    try:
        yield box
    finally:
        server.stop()


class Posted(NamedTuple):
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A webhook's receiver: keeps what came, and answers as it is told."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.status = 204
        self.location: str | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posted.append(Posted(self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                if receiver.location is not None:
                    self.send_header("Location", receiver.location)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/trailseal"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
