"""A small instrument server on 127.0.0.1: a list of JSON on pages, for who holds the token. It keeps no trail."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from collectors.demo.process import free_port

Items = list[dict[str, Any]]


class ListServer:
    """Serves `/methods?limit=&offset=`; the port is chosen once. `between` is called after each page."""

    def __init__(self, token: str) -> None:
        self.port = free_port()
        self.items: Items = []
        self.asked = 0
        self.between: Callable[[int], None] = lambda _: None
        self.hidden = 0
        """So many items are counted and not given."""
        self._token = token
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def start(self) -> None:
        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, note: str) -> None:
        number = len(self.items) + 1
        self.items.append(
            {
                "id": number,
                "note": note,
                "limits": {"low": 6.50, "high": 7.5},
                "version": 1,
                "changedAt": datetime.now(UTC).isoformat(),
                "seen": self.asked,
            }
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if self.headers.get("Authorization") != f"Bearer {server._token}":
                    self._answer(401, {"error": "who is there?"})
                elif parts.path != "/api/methods":
                    self._answer(404, {"error": "no such page"})
                else:
                    query = parse_qs(parts.query)
                    offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["10"])[0])
                    server.asked += 1
                    page = server.items[offset : offset + limit]
                    total = len(server.items) + server.hidden
                    self._answer(200, {"total": total, "methods": page})
                    server.between(offset)

            def _answer(self, status: int, value: object) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a test says what went wrong."""

        return Answering
