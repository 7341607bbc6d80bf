"""The composition root: one process that serves API and pages, and leads the schedules while it holds the lock."""

import contextlib
import signal
import socket
import threading
from types import FrameType, TracebackType
from typing import Self

import uvicorn

from ledger.api.app import create_app
from ledger.core.authority import Authority
from ledger.core.errors import ConfigError
from ledger.jobs.leader import leader_lock
from ledger.jobs.scheduler import Duty, Schedule, Scheduler
from ledger.service import VERIFY, Service
from ledger.web.handlers import handlers as web_handlers

HOUR, DAY = 3600, 86_400
SCHEDULES = (
    Schedule(sort=VERIFY, every_s=HOUR, offset_s=300, parameters='{"full":false}'),
    Schedule(sort=VERIFY, every_s=DAY, offset_s=2 * HOUR),
)
_START_SECONDS = 30.0


class Server:
    """Serves one opened ledger from `with` to its end. Several may serve one ledger; one of them leads."""

    def __init__(self, service: Service, authority: Authority, port: int | None = None) -> None:
        self._service = service
        self._authority = authority
        listen = service.settings.listen
        self._socket = _listen(listen.host, listen.port if port is None else port)
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                create_app(service, web_handlers=web_handlers(service.settings.zone)),
                log_level="warning",
                access_log=False,
                lifespan="on",
                server_header=False,
                timeout_graceful_shutdown=10,
            )
        )
        self._thread = threading.Thread(
            target=self._uvicorn.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )
        lock = leader_lock(service.settings.database_url(service.folder), service.folder)
        duties = (
            Duty(name="publish", every_s=service.settings.checkpoint_seconds, run=service.publisher.publish_all),
            Duty(name="bind", every_s=HOUR, run=service.publisher.bind_system),
        )
        self._scheduler = Scheduler(service.jobs, lock, service.clock, SCHEDULES, duties)
        self._stopped = threading.Event()

    @property
    def address(self) -> str:
        """The URL of the pages."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def sign_in_link(self, authority: Authority) -> str:
        """A link that begins one session of the read-only pages; good once, for 15 minutes."""
        return f"{self.address}/sign-in/{self._service.people.sessions.issue_link(authority)}"

    def wait(self) -> None:
        """Returns at Ctrl-C or SIGTERM. Call it from the main thread."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stopped.set()

        previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._stopped.wait()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def __enter__(self) -> Self:
        self._service.record_start(self._authority)
        self._service.publisher.publish_all()
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_SECONDS / 0.02)):
            if self._uvicorn.started:
                self._scheduler.start()
                return self
            if not self._thread.is_alive() or waited.wait(0.02):
                break
        raise ConfigError("the service did not start", advice="See the messages above; `trailseal doctor` helps.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.stop()
        self._uvicorn.should_exit = True
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
            advice="Choose another port: --port, or [listen] in trailseal.toml.",
        ) from None
