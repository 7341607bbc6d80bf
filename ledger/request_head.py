"""HTTP/1.1 as every port here speaks it: the head of a request is bounded, and what is none is told so in full.

Without a bound whoever may connect could fill the memory by one address that never ends.
"""

import json
from http import HTTPStatus
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_ADDRESS: Final = 65_535
"""Bytes of a request's address, its query with it: more than that the parser takes for none."""
MAX_HEAD: Final = 131_072
"""Bytes of request line and headers together, of which those of one read more are taken at most."""
LINGER_S: Final = 2.0
"""How long what still comes after a refusal is read, and thrown away, so that the answer arrives."""

_ADDRESS: Final = (
    HTTPStatus.REQUEST_URI_TOO_LONG,
    "address_too_long",
    f"the address of the request is longer than {MAX_ADDRESS:,} bytes",
    "Ask for less at once: fewer words, fewer filters.",
)
_HEADERS: Final = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "headers_too_large",
    f"the headers of the request are longer than {MAX_HEAD:,} bytes",
    "Send fewer or shorter ones; a browser sends less once its cookies of this site are removed.",
)
_NO_REQUEST: Final = (
    HTTPStatus.BAD_REQUEST,
    "bad_request",
    "what was sent is no HTTP request",
    "Speak HTTP/1.1, with TLS if the address says https.",
)


class BoundedProtocol(HttpToolsProtocol):
    """Refuses a head that is too long (RFC 9110 section 15.5.15, RFC 6585 section 5) by problem details (RFC 9457)."""

    _head = 0
    """Bytes read of a head that is not complete yet."""
    _complete = True
    _refused = False

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self._complete or self._refused:
            return
        self._head += len(data)
        if self._head > MAX_HEAD:
            self._refuse(*(_ADDRESS if len(self.url) > MAX_ADDRESS else _HEADERS))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._complete = 0, False

    def on_headers_complete(self) -> None:
        self._complete = True
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(*(_ADDRESS if len(getattr(self, "url", b"")) > MAX_ADDRESS else _NO_REQUEST))

    def _refuse(self, status: HTTPStatus, code: str, detail: str, advice: str) -> None:
        told = {
            "type": f"urn:trailseal:problem:{code}",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            "detail": detail,
            "advice": advice,
        }
        body = json.dumps(told).encode()
        head = (
            f"content-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[status] + head.encode() + body)
        # A connection that is closed on what was not read yet is reset, and the answer may be lost with it.
        self._refused = True
        self.loop.call_later(LINGER_S, self.transport.close)
