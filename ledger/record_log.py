"""A record log with what belongs to it: its sources, what is known of them, and the ingest of their runs."""

from collections.abc import Iterator
from functools import partial

from ledger.agents.agents import Agents
from ledger.agents.deliveries import Deliveries
from ledger.agents.silence import Silence
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.batch import SignedBatch, SignedReceipt
from ledger.core.run import RunBatch, RunReceipt, SourceState
from ledger.core.source import ARCHIVE
from ledger.people.administration import started
from ledger.sources.challenges import Challenges
from ledger.sources.coverage import Span, spans
from ledger.sources.exclusions import Exclusions
from ledger.sources.exposing import Exposing
from ledger.sources.handover import Handover, handovers, imported_spans
from ledger.sources.hands import Hands
from ledger.sources.imports import Imports
from ledger.sources.ingest import Ingest
from ledger.sources.inventory import Inventory
from ledger.sources.life import Lives
from ledger.sources.maps import Maps
from ledger.sources.originals import KeptOriginal, last_originals
from ledger.sources.parameters import Parameters
from ledger.sources.reconciling import Reconciling
from ledger.sources.systems import Systems
from ledger.store.store import Store
from ledger.trust.keys import Keys


class LocalSink:
    """The ledger in this process, as a collector's sink."""

    def __init__(self, ingest: Ingest, authority: Authority) -> None:
        self._ingest = ingest
        self._authority = authority

    def state(self, source_id: str) -> SourceState:
        """Where the source stands."""
        return self._ingest.state(source_id)

    def submit(self, batch: RunBatch) -> RunReceipt:
        """Appends the run; durable once it returns."""
        return self._ingest.submit(batch, self._authority)


class RecordLog:
    """A record log with what belongs to it: its sources, and the ingest of their runs."""

    def __init__(self, store: Store, keys: Keys, log: LogId, agents: Agents, silence_s: float) -> None:
        """`silence_s`: how long a connected agent may not be heard."""
        self.log = log
        self._store = store
        self._keys = keys
        self.sources = Inventory(store, log.number, partial(started, store))
        self.maps = Maps(store, log.number)
        self.parameters = Parameters(store)
        self.lives = Lives(store, log.number)
        self.systems = Systems(store, log.number)
        self.imports = Imports(store, log.number)
        self.challenges = Challenges(store, log.number)
        self.ingest = Ingest(store, log, self.sources, keys.digests)
        self.deliveries = Deliveries(store, log, agents, self.ingest)
        self.silence = Silence(store, log.number, silence_s)
        self.reconciling = Reconciling(store, log.number)
        self.exposing = Exposing(store, log.number, self.parameters)
        self.hands = Hands(store, log, self.sources, self.parameters, keys.digests)
        self.exclusions = Exclusions(store, log.number, self.parameters)

    def coverage(self, source_id: str) -> Iterator[Span]:
        """What is known of a source's time, run by run; raises NotFound for an unknown source."""
        if self.sources.get(source_id).type == ARCHIVE:
            return imported_spans(self.imports.list(source_id))
        return spans(self._store, self.log.number, source_id)

    def last_originals(self, source_id: str, count: int) -> list[KeptOriginal]:
        """The originals of a source's last records; raises NotFound for an unknown source."""
        self.sources.get(source_id)
        return last_originals(self._store, self.log.number, source_id, count)

    def handovers(self, source_id: str) -> list[Handover]:
        """The imports of an archive, or those that a live source goes on from; raises NotFound for an unknown one."""
        self.sources.get(source_id)
        return handovers(self._store, self.log.number, source_id)

    def take(self, batch: SignedBatch) -> SignedReceipt:
        """Takes an agent's batch, durable once this returns, and signs the receipt; raises as `Deliveries.take`."""
        return self.deliveries.take(batch, self._keys.receipt_key(self.log.name))

    def sink(self, authority: Authority) -> LocalSink:
        """Where collectors of this process hand their runs (`collectors.base.Sink`)."""
        return LocalSink(self.ingest, authority)
