"""An application served on loopback in a thread of the test's own process: what a real browser is pointed at."""

import asyncio
import socket
import threading

import uvicorn
from litestar import Litestar


class Hosted:
    """Has its port before there is an application: that may have to know its own address."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, name="hosted")

    def serve(self, app: Litestar) -> None:
        """Serves from here on; who connects before waits."""
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        self._thread.start()

    def close(self) -> None:
        """Ends the serving, once what was begun is answered."""
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        assert self._server is not None
        asyncio.run(self._server.serve(sockets=[self._listener]))
