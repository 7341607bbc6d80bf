"""One port: an HTTP application on a socket of its own, in a thread of its own."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from litestar import Litestar

from ledger.core.errors import ConfigError
from ledger.request_head import BoundedProtocol

_START_SECONDS: Final = 30.0


class Listener:
    """One port. It listens from the start; requests are answered from `start` to `stop`."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        app: Callable[[], Litestar],
        tls: ssl.SSLContext | None = None,
        **more: Any,
    ) -> None:
        """`app` makes the application, once the port is known to be free; `more` is uvicorn's."""
        self._socket = _listen(host, port)
        if tls is not None:
            more["ssl_context_factory"] = lambda _config, _default: tls
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app(),
                log_level="warning",
                access_log=False,
                lifespan="on",
                server_header=False,
                timeout_graceful_shutdown=10,
                **({"http": BoundedProtocol} | more),
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


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            advice="Choose another port: --port, or [listen] or [agents] in trailseal.toml.",
        ) from None
