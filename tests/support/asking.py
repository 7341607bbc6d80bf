"""Requests to an application without a client in between: thousands of them take seconds instead of a minute."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from litestar import Litestar


async def status_of(app: Litestar, method: str, target: str, headers: Mapping[str, str]) -> int:
    """The status of the answer to a request with an empty body; `target`: path and query, as the request line has."""
    path, _, query = target.partition("?")
    status = []
    asked = [{"type": "http.request", "body": b"", "more_body": False}]
    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])
        elif not message.get("more_body"):
            answered.set()

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("testclient", 50_000),
            "server": ("testserver", 80),
        },  # type: ignore[arg-type]
        receive,  # type: ignore[arg-type]
        send,
    )
    return int(status[0])
