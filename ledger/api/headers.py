"""Security headers on every answer, errors included; a route that needs another value sets its own."""

from typing import Final

from litestar.types import Message, Scope

DEFAULTS: Final = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
TLS_ONLY: Final = {"strict-transport-security": "max-age=31536000"}

_PLAIN: Final = [(name.encode(), value.encode()) for name, value in DEFAULTS.items()]
_TLS: Final = [(name.encode(), value.encode()) for name, value in (DEFAULTS | TLS_ONLY).items()]


async def harden(message: Message, scope: Scope) -> None:
    """Adds each header that the answer does not have yet."""
    if message["type"] != "http.response.start":
        return
    headers = list(message["headers"])
    present = {name.lower() for name, _ in headers}
    wanted = _TLS if scope["scheme"] == "https" else _PLAIN
    headers += [pair for pair in wanted if pair[0] not in present]
    message["headers"] = headers
