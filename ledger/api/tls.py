"""The client certificate of a connection, where TLS verified one: what the gate knows an edge agent by."""

import asyncio
import ssl
from typing import Any

from litestar.connection import ASGIConnection

from ledger.request_head import BoundedProtocol
from ledger.trust.agent_ca import Identity, identity


class CertifiedProtocol(BoundedProtocol):
    """HTTP/1.1 as every port speaks it, with the client's certificate in the scope (ASGI's TLS extension)."""

    _chain: tuple[str, ...] = ()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        session: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        shown = None if session is None else session.getpeercert(binary_form=True)
        self._chain = () if shown is None else (ssl.DER_cert_to_PEM_cert(shown),)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["extensions"] = {"tls": {"client_cert_chain": self._chain}}


def certified(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
    """Whom the client's certificate was issued to; None where TLS asked for none."""
    extensions: dict[str, Any] = connection.scope.get("extensions") or {}
    chain = extensions.get("tls", {}).get("client_cert_chain", ())
    return identity(chain[0]) if chain else None
