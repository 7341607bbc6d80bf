"""The composition root: one process that serves API and pages, and leads the schedules while it holds the lock.

Where the settings say so, edge agents have ports of their own, over TLS: one for those that hold a certificate, one for
enrolment alone. Or they are answered over a broker.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

from litestar import Litestar

from ledger.api import openapi
from ledger.api.app import attach, make_app
from ledger.broker import BrokerPort
from ledger.core.authority import Authority
from ledger.jobs.leader import leader_lock
from ledger.jobs.scheduler import Duty, Schedule, Scheduler
from ledger.listener import Listener
from ledger.listeners import AgentListeners
from ledger.planting import Planting
from ledger.service import ASSESS, RULES, VERIFY, Service
from ledger.settings import Settings
from ledger.signer import SignerChild
from ledger.trust.export import export_published
from ledger.web.handlers import handlers as web_handlers

HOUR, DAY = 3600, 86_400
SILENCE_S = 15
"""Seconds between two looks for agents that fell silent."""
EXPOSURE_S = 15
"""Seconds between two looks at how long the newest runs' records lay at their sources."""
SIGNING_S = 30
"""Seconds between two looks at what is to be signed: what is overdue, and what has changed."""
PROVIDER_S = 300
"""Seconds between two looks at the keys of the site's identity provider."""
CHALLENGES_S = 15
"""Seconds between two looks at which challenges are due, and at what came of those that are planted."""
ERASURES_S = 30
"""Seconds between two looks for rows that an erasure names and that are there still."""
CHANGES_S = 30
"""Seconds between two looks for changes of configuration that are signed and not in effect yet."""
STAMPING_S = 15
"""Seconds between two looks at which logs are due for a time-stamp."""
SIGNER_S = 1
"""Seconds between two looks whether the process that signs is there."""
WITNESSES_S = 15
"""Seconds between two looks at how long no quorum of witnesses has cosigned, and at their clocks."""
WATCH_S = 60
"""Seconds between two looks at the logs of other ledgers that are watched."""
NOTICES_S = 1
"""Seconds between two looks for notices that are due to go out."""
SCHEDULES = (
    Schedule(sort=VERIFY, every_s=HOUR, offset_s=300, parameters='{"full":false}'),
    Schedule(sort=VERIFY, every_s=DAY, offset_s=2 * HOUR),
    Schedule(sort=ASSESS, every_s=HOUR, offset_s=900),
    Schedule(sort=ASSESS, every_s=7 * DAY, offset_s=3 * HOUR, parameters='{"full":true}'),
)


def schedules(settings: Settings) -> tuple[Schedule, ...]:
    """The jobs that come again and again: those of every ledger, and runs of the rules where the site has them run."""
    minutes = settings.rules_minutes
    return SCHEDULES if minutes is None else (*SCHEDULES, Schedule(sort=RULES, every_s=minutes * 60))


class Server:
    """Serves one opened ledger from `with` to its end. Several may serve one ledger; one of them leads."""

    def __init__(
        self, service: Service, authority: Authority, port: int | None = None, signer: SignerChild | None = None
    ) -> None:
        """`signer`: the process beside this one that signs; it has begun."""
        self._service = service
        self._authority = authority
        listen = service.settings.listen
        self._main = Listener(
            "http",
            listen.host,
            listen.port if port is None else port,
            self._application,
        )
        self._agents = AgentListeners(service)
        self._broker = BrokerPort(service)
        lock = leader_lock(service.settings.database_url(service.folder), service.folder)
        duties = (
            Duty(name="publish", every_s=service.settings.checkpoint_seconds, run=service.publish_all),
            *exporting(service),
            Duty(name="watch", every_s=WATCH_S, run=service.site_watch.work),
            *(Duty(name="silence", every_s=SILENCE_S, run=log.silence.judge) for log in service.record_logs),
            *(Duty(name="exposure", every_s=EXPOSURE_S, run=log.exposing.judge) for log in service.record_logs),
            Duty(name="time-stamps", every_s=STAMPING_S, run=service.stamping.work),
            Duty(name="erasures", every_s=ERASURES_S, run=service.erasures.finish),
            Duty(name="changes", every_s=CHANGES_S, run=service.quality.effects.work),
            Duty(name="telling", every_s=NOTICES_S, run=service.telling.work),
            Duty(name="notices", every_s=NOTICES_S, run=service.notices.work),
            Duty(name="signing", every_s=SIGNING_S, run=service.workflows.work),
            *([] if signer is None else [Duty(name="signer", every_s=SIGNER_S, run=signer.keep)]),
            Duty(name="witnesses", every_s=WITNESSES_S, run=service.witness_watch.judge),
            Duty(name="bind", every_s=HOUR, run=service.publisher.bind_system),
            Duty(name="access-review", every_s=HOUR, run=service.people.reviews.judge),
            Duty(name="identity-provider", every_s=PROVIDER_S, run=service.provider.watch),
            *(
                Duty(name="challenges", every_s=CHALLENGES_S, run=Planting(log, service.clock).work)
                for log in service.record_logs
            ),
        )
        self._scheduler = Scheduler(service.jobs, lock, service.clock, schedules(service.settings), duties)
        self._stopped = threading.Event()

    def _application(self) -> Litestar:
        app = application(self._service.settings.zone)
        attach(app, self._service)
        return app

    @property
    def address(self) -> str:
        """The URL of the pages."""
        return f"http://{self._main.place}"

    @property
    def agent_addresses(self) -> dict[str, str]:
        """The URLs of the agents' ports that are open: `deliveries`, `enrolment`."""
        return self._agents.addresses

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
        self._service.publish_all()
        self._main.start()
        self._agents.start()
        self._broker.start()
        self._scheduler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.stop()
        self._broker.stop()
        self._agents.stop()
        self._main.stop()


def application(zone: str) -> Litestar:
    """API and pages of a site in this time zone, their description too, with no ledger behind them yet."""
    app = make_app(web_handlers(zone))
    openapi.prepare(app)
    return app


def exporting(service: Service) -> list[Duty]:
    """What keeps the folder of published tiles up to date, where the settings name one."""
    chosen = service.settings.tiles_folder
    if chosen is None:
        return []
    out = service.folder / chosen
    every_s = service.settings.checkpoint_seconds
    return [Duty(name="tiles", every_s=every_s, run=lambda: export_published(service.store, out))]
