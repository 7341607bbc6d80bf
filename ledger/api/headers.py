"""Security headers on every answer, errors included; a route that needs another value sets its own."""

from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

DEFAULTS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TLS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}


async def harden(message: Message, scope: Scope) -> None:
    """Adds each header that the answer does not have yet."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    wanted = DEFAULTS | TLS_ONLY if scope["scheme"] == "https" else DEFAULTS
    for name, value in wanted.items():
        headers.setdefault(name, value)
