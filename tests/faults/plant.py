"""A ledger with a service of its own and one collector, which knows what was acknowledged whatever befalls the disk."""

from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from collectors.demo.process import NO_TLS
from collectors.http_sink import HttpSink
from ledger.core.authority import Authority
from ledger.core.errors import CollectorError
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.settings import Settings
from tests.kill.inspection import SEALED, Inspection
from tests.kill.producer import Producer
from tests.support.postgres import PgDatabase
from tests.support.serving import Serving, token

AUTHORITY = Authority(actor="local:tester", authenticated=False)
ORIGIN = "plant.example/faulty"
SOURCE = "line-1"


class Plant:
    """Its service runs from `start` to the end of a `with` block."""

    def __init__(self, folder: Path, seed: int, database: PgDatabase | None = None) -> None:
        self.folder = folder
        settings = Settings(origin=ORIGIN, checkpoint_seconds=0.1)
        if database is not None:
            settings = Settings(
                origin=ORIGIN,
                checkpoint_seconds=0.1,
                database=database.runtime_url,
                owner_database=database.owner_url,
            )
        service = create(folder, settings, AUTHORITY)
        try:
            service.sources.register(SourceConfig(id=SOURCE, type="push", title=SOURCE, seal=tuple(SEALED)), AUTHORITY)
            self._collector = token(service, "collector", AUTHORITY, [SOURCE])
            self._reader = token(service, "reader", AUTHORITY)
        finally:
            service.close()
        self.producer = Producer(SOURCE, seed, keyed=True)
        self._inspection = Inspection(folder, [self.producer])
        self.serving = Serving(folder)

    def __enter__(self) -> Self:
        self.serving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.serving.__exit__(kind, error, trace)

    def send(self, serving: Serving | None = None) -> CollectorError | None:
        """Sends the run that has no answer yet, or a new one, once; returns the error that it was answered with."""
        address = (serving or self.serving).address
        if self.producer.pending is None:
            self.producer.pending = self.producer.next_run()
        with HttpSink(address, self._collector) as sink:
            try:
                receipt = sink.submit(self.producer.pending)
            except CollectorError as error:
                return error
        self.producer.acknowledge(self.producer.pending, receipt)
        self.producer.pending = None
        return None

    def checkpoint(self, serving: Serving | None = None) -> int:
        """The size of the newest checkpoint of the record log, as the service shows it: it answers readers."""
        answer = httpx.get(
            f"{(serving or self.serving).address}/api/v1/logs/records/checkpoints/latest",
            headers={"Authorization": f"Bearer {self._reader}"},
            timeout=30,
            trust_env=False,
            verify=NO_TLS,
        )
        size: int = answer.raise_for_status().json()["size"]
        return size

    def inspect(self) -> None:
        """Nothing that was acknowledged is lost, doubled or changed, no run is there in part, and all logs verify."""
        self._inspection.check()
