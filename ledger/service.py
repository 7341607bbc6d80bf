"""The assembly: one ledger, opened with all its domains. Every surface (API, pages, terminal, server) is given it.

This is the only place that knows all domains; a new one is added to `_DOMAINS`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.engine import URL

from ledger import __version__, settings
from ledger.agents import kinds as agents_kinds
from ledger.agents import projector as agents_projector
from ledger.agents.agents import Agents, Invitation
from ledger.agents.broker_state import BrokerWatch
from ledger.agents.deliveries import Deliveries
from ledger.agents.silence import Silence
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.batch import SignedBatch, SignedReceipt
from ledger.core.clock import SystemClock, WallClock
from ledger.core.entry import draft
from ledger.core.errors import ConfigError, Conflict
from ledger.core.kinds import RECORD, Kind, KindRegistry
from ledger.core.projector import Projector
from ledger.core.run import RunBatch, RunReceipt, SourceState
from ledger.core.source import ARCHIVE
from ledger.core.structs import make_ready
from ledger.findings import kinds as findings_kinds
from ledger.findings import projector as findings_projector
from ledger.integrity import kinds as integrity_kinds
from ledger.integrity import projector as integrity_projector
from ledger.integrity.verifier import Verifier
from ledger.jobs.frame import Context as JobContext
from ledger.jobs.frame import Jobs
from ledger.people import kinds as people_kinds
from ledger.people import (
    notice_kinds,
    notice_projector,
    oidc_kinds,
    oidc_projector,
    person_kinds,
    person_projector,
    reset_kinds,
    reset_projector,
    terminal_kinds,
    terminal_projector,
)
from ledger.people import projector as people_projector
from ledger.people.entrance import Entrance
from ledger.people.notices import Notices
from ledger.people.oidc import IdentityProvider, Secret
from ledger.people.oidc_door import ProviderDoor
from ledger.people.passwords import Effort
from ledger.people.people import People
from ledger.privacy import erasure_kinds, look_up_kinds
from ledger.privacy import projector as privacy_projector
from ledger.privacy.erasures import Erasures
from ledger.privacy.look_ups import LookUps
from ledger.settings import Settings
from ledger.signing import (
    external_kinds,
    external_projector,
    paper_kinds,
    paper_projector,
    route_kinds,
    route_projector,
)
from ledger.signing import kinds as signing_kinds
from ledger.signing import projector as signing_projector
from ledger.signing.person_keys import Sealing
from ledger.signing.provider import ProviderSigning
from ledger.signing.signing import Signing
from ledger.signing.workflows import Workflows
from ledger.sources import (
    challenge_kinds,
    challenge_projector,
    import_kinds,
    import_projector,
    life_kinds,
    life_projector,
    map_kinds,
    map_projector,
)
from ledger.sources import kinds as sources_kinds
from ledger.sources import projector as sources_projector
from ledger.sources import tables as sources_tables
from ledger.sources.challenges import Challenges
from ledger.sources.coverage import Span, spans
from ledger.sources.handover import Handover, handovers, imported_spans
from ledger.sources.imports import Imports
from ledger.sources.ingest import Ingest
from ledger.sources.inventory import Inventory
from ledger.sources.life import Lives
from ledger.sources.maps import Maps
from ledger.sources.originals import KeptOriginal, last_originals
from ledger.sources.systems import Systems
from ledger.sources.uploads import Uploads
from ledger.store.database import migrate, require_current
from ledger.store.logs import CLOCK_STEP, LOG_CREATED, SYSTEM_LOG, LogCreated, LogProjector, choose
from ledger.store.projections import install
from ledger.store.records import RecordProjector
from ledger.store.store import Store
from ledger.telling import Telling
from ledger.trace import kinds as trace_kinds
from ledger.trace import projector as trace_projector
from ledger.trust import kinds as trust_kinds
from ledger.trust import projector as trust_projector
from ledger.trust.keys import FileKeys
from ledger.trust.kinds import KeyEvent, KeyEventSort, KeyPurpose
from ledger.trust.publisher import Publisher

PRODUCT = f"trailseal {__version__}"
SYSTEM, RECORDS = "system", "records"
"""Names of the logs that a new ledger starts with."""
VERIFY = "verify"
"""The sort of verification jobs; their parameters are an `integrity.verifier.Plan`."""
IMPORT = "import"
"""The sort of jobs that read an uploaded file; their parameters are an `importing.Task`."""
_NOTICES = Authority(actor="service:notices", authenticated=False)


_LOG_NAME = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]")


class _Domain(NamedTuple):
    kinds: tuple[Kind, ...]
    projectors: Callable[[str], tuple[Projector, ...]]


class ServiceStart(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="service-start/1"):
    """The service started: its version, and the SHA-256 (hex) of the settings file it started with."""

    product: str
    settings_sha256: str
    authority: Authority


_DOMAINS = (
    _Domain(
        (RECORD, LOG_CREATED, CLOCK_STEP, Kind("service-start", [ServiceStart])),
        lambda dialect: (RecordProjector(dialect), LogProjector()),
    ),
    _Domain(trust_kinds.KINDS, trust_projector.projectors),
    _Domain(findings_kinds.KINDS, findings_projector.projectors),
    _Domain(sources_kinds.KINDS, sources_projector.projectors),
    _Domain(map_kinds.KINDS, map_projector.projectors),
    _Domain(life_kinds.KINDS, life_projector.projectors),
    _Domain(import_kinds.KINDS, import_projector.projectors),
    _Domain(challenge_kinds.KINDS, challenge_projector.projectors),
    _Domain(people_kinds.KINDS, people_projector.projectors),
    _Domain(person_kinds.KINDS, person_projector.projectors),
    _Domain(oidc_kinds.KINDS, oidc_projector.projectors),
    _Domain(reset_kinds.KINDS, reset_projector.projectors),
    _Domain(terminal_kinds.KINDS, terminal_projector.projectors),
    _Domain(signing_kinds.KINDS, signing_projector.projectors),
    _Domain(external_kinds.KINDS, external_projector.projectors),
    _Domain(paper_kinds.KINDS, paper_projector.projectors),
    _Domain(route_kinds.KINDS, route_projector.projectors),
    _Domain(notice_kinds.KINDS, notice_projector.projectors),
    _Domain((*look_up_kinds.KINDS, *erasure_kinds.KINDS), privacy_projector.projectors),
    _Domain(agents_kinds.KINDS, agents_projector.projectors),
    _Domain(trace_kinds.KINDS, trace_projector.projectors),
    _Domain(integrity_kinds.KINDS, integrity_projector.projectors),
)


def assembly(dialect: str) -> tuple[KindRegistry, list[Projector]]:
    """All kinds and projectors of this installation, for a database dialect."""
    kinds = KindRegistry(kind for domain in _DOMAINS for kind in domain.kinds)
    return kinds, [projector for domain in _DOMAINS for projector in domain.projectors(dialect)]


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

    def __init__(self, store: Store, keys: FileKeys, log: LogId, agents: Agents, silence_s: float) -> None:
        """`silence_s`: how long a connected agent may not be heard."""
        self.log = log
        self._store = store
        self._keys = keys
        self.sources = Inventory(store, log.number)
        self.maps = Maps(store, log.number)
        self.lives = Lives(store, log.number)
        self.systems = Systems(store, log.number)
        self.imports = Imports(store, log.number)
        self.challenges = Challenges(store, log.number)
        self.ingest = Ingest(store, log, self.sources, keys.content_digest())
        self.deliveries = Deliveries(store, log, agents, self.ingest)
        self.silence = Silence(store, log.number, silence_s)

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
        return self.deliveries.take(batch, self._keys.receipt_seed(self.log.name))

    def sink(self, authority: Authority) -> LocalSink:
        """Where collectors of this process hand their runs (`collectors.base.Sink`)."""
        return LocalSink(self.ingest, authority)


class Service:
    """One opened ledger. `close` it; nothing that was acknowledged depends on that."""

    def __init__(
        self,
        folder: Path,
        clock: WallClock | None = None,
        verify_workers: int = 1,
        effort: Effort = Effort(),  # noqa: B008 - frozen
        sealing: Sealing = Sealing(),  # noqa: B008 - frozen
    ) -> None:
        """Opens the ledger in `folder`; raises ConfigError, naming what is wrong and what to do.

        `verify_workers` above 1: verification runs in so many processes. `effort`: what a look at a password costs,
        and `sealing` one at a signing key.
        """
        make_ready()
        self.folder = folder
        self.settings, self.settings_digest = settings.load(folder)
        self.clock: WallClock = clock or SystemClock()
        self.keys = FileKeys(folder / "keys")
        require_database(self.settings.database_url(folder))
        self.store = _open_store(folder, self.settings, self.clock)
        require_current(self.store.readers)
        self.publisher = Publisher(self.store, self.keys, folder / "signed")
        self.people = People(self.store, registered_sources)
        web, keys = self.settings.web.origin, self.keys
        self.entrance = Entrance(self.store, self.people, keys.pepper, keys.mail_password, web, effort)
        self.erasures = Erasures(self.store)
        self.look_ups = LookUps(self.store, self.keys.content_digest())
        self.notices = Notices(self.store, self._notice_seed, self.keys.mail_password)
        self.workflows = Workflows(self.store, self.notices.tell)
        self.provider = IdentityProvider(self.store, Secret(self.keys.client_secret, self.keys.content_digest()[1]))
        self.provider_door = ProviderDoor(self.store, self.people.sessions, self.provider)
        self.provider_signing = ProviderSigning(self.store, self.provider_door)
        zone, origin = self.settings.zone, self.settings.web.origin
        self.signing = Signing(
            self.store, self.entrance, self.keys.pepper, zone, origin, self.provider_signing, sealing
        )
        self.verifier = Verifier(self.store, assembly, self.keys.content_digest()[1], verify_workers)
        self.jobs = Jobs(self.store, {VERIFY: self.verifier.work, IMPORT: self._work_on_import})
        self.uploads = Uploads(self.store, self.jobs.live)
        self.logs = {log.name: log for log in self.store.logs()}
        if SYSTEM not in self.logs:
            raise ConfigError(f"the ledger in {folder} was never completed", advice="Remove it and run init again.")
        self.telling = Telling(self.store, self.system.origin, self.notices, self.entrance)
        self.agents = Agents(self.store, self.people.directory)
        broker = self.settings.agents.broker
        self.broker = BrokerWatch(None if broker is None else broker.url, self.clock)
        self._record_logs = {
            name: RecordLog(self.store, self.keys, log, self.agents, self.settings.agents.silence_seconds)
            for name, log in self.logs.items()
            if log.number != SYSTEM_LOG
        }

    def _work_on_import(self, context: JobContext) -> str:
        # Imported here: the sources' own libraries take seconds to load; no start should wait for them.
        from ledger.importing import work

        return work(self, context)

    def log(self, name: str | None = None) -> LogId:
        """A log by name or origin; without a name the only record log. Raises NotFound."""
        return choose(self.logs.values(), name)

    def record_log(self, name: str | None = None) -> RecordLog:
        """A record log by name or origin; without a name the only one. Raises NotFound."""
        return self._record_logs[self.log(name).name]

    @property
    def record_logs(self) -> list[RecordLog]:
        """All record logs."""
        return list(self._record_logs.values())

    @property
    def system(self) -> LogId:
        """The system log."""
        return self.logs[SYSTEM]

    @property
    def sources(self) -> Inventory:
        """The sources of the only record log."""
        return self.record_log().sources

    @property
    def ingest(self) -> Ingest:
        """The ingest of the only record log."""
        return self.record_log().ingest

    def vkey(self, log: LogId) -> str:
        """The verifier key of a log's checkpoints: what is pinned outside to verify them."""
        return str(self.keys.log_signer(log.name, log.origin).verifier)

    def invite(
        self, agent: str, sources: Sequence[str], zone: str | None, reason: str, authority: Authority, log: str | None
    ) -> Invitation:
        """Invites an agent (`Agents.invite`) to deliver runs of sources of one record log; raises NotFound for others.

        The log's first agent brings its receipt key with it.
        """
        chosen = self.record_log(log)
        for source in sources:
            chosen.sources.get(source)
        self.require_receipt_key(chosen.log, authority)
        return self.agents.invite(agent, sources, zone, reason, authority)

    def create_record_log(self, name: str, authority: Authority) -> RecordLog:
        """Begins another record log, for a site of its own: its keys, its entry 0, its origin below the ledger's.

        Other processes see it once they open the ledger anew. Raises ConfigError for a name that cannot be one,
        Conflict for one that is taken.
        """
        if not _LOG_NAME.fullmatch(name):
            raise ConfigError(f"{name!r} cannot name a log", advice="Use lower case letters, digits and '-'.")
        known = self.store.logs()
        if name in {log.name for log in known}:
            raise Conflict(f"there is a log {name!r} already", advice="Choose another name.")
        number = 1 + max(log.number for log in known)
        log = LogId(number=number, name=name, origin=f"{self.settings.origin}/{name}")
        _create_log(self.store, self.keys, log, authority)
        made = RecordLog(self.store, self.keys, log, self.agents, self.settings.agents.silence_seconds)
        self.logs[name], self._record_logs[name] = log, made
        return made

    def require_receipt_key(self, log: LogId, authority: Authority) -> None:
        """Makes the key that signs receipts of a log, unless it has one."""
        if not self.keys.has_receipt_key(log.name):
            self.keys.create_receipt_key(log.name)
            vkey = str(self.keys.receipt_signer(log.name, log.origin).verifier)
            _enter_key(self.store, log.number, KeyPurpose.RECEIPT, vkey, authority)

    def notice_vkey(self) -> str | None:
        """The verifier key of what goes to webhooks; None before the first notice to one."""
        return self.keys.notice_vkey(self.system.origin) if self.keys.has_notice_key() else None

    def _notice_seed(self) -> bytes:
        """The key that signs what goes to webhooks: made, and entered, before the first notice to one."""
        if not self.keys.has_notice_key():
            self.keys.create_notice_key()
            vkey = self.keys.notice_vkey(self.system.origin)
            _enter_key(self.store, SYSTEM_LOG, KeyPurpose.NOTICE, vkey, _NOTICES)
        return self.keys.notice_seed()

    def record_start(self, authority: Authority) -> None:
        """Enters in the system log that the service started, and with which settings."""
        started = ServiceStart(product=PRODUCT, settings_sha256=self.settings_digest, authority=authority)
        self.store.append_one(SYSTEM_LOG, draft(started))

    def close(self) -> None:
        """Closes the ledger's connections."""
        self.verifier.close()
        self.store.close()


def create(
    folder: Path,
    chosen: Settings,
    authority: Authority,
    clock: WallClock | None = None,
    effort: Effort = Effort(),  # noqa: B008 - frozen
    sealing: Sealing = Sealing(),  # noqa: B008 - frozen
) -> Service:
    """Makes a new ledger: folder, settings, keys, schema, system log and first record log; returns it opened.

    Raises ConfigError if the folder or the database holds a ledger already; then nothing of it is touched.
    """
    if (folder / settings.FILE_NAME).exists():
        raise ConfigError(f"{folder} holds a ledger already", advice="Choose another folder; nothing was changed.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "signed").mkdir(mode=0o700, exist_ok=True)
    migrate(chosen.owner_url(folder))
    keys = FileKeys(folder / "keys")
    store = _open_store(folder, chosen, clock or SystemClock())
    try:
        if store.logs():
            raise ConfigError("the database holds a ledger already", advice="Name another one; nothing was changed.")
        keys.create_digest_secret()
        keys.pepper()
        with store.writing() as connection:
            install(connection, store.projections.newest())
        for number, name in enumerate((SYSTEM, RECORDS)):
            _create_log(store, keys, LogId(number=number, name=name, origin=f"{chosen.origin}/{name}"), authority)
        digest_key, _ = keys.content_digest()
        _enter_key(store, SYSTEM_LOG, KeyPurpose.DIGEST, digest_key, authority)
    finally:
        store.close()
    settings.write(folder, chosen)
    return Service(folder, clock, effort=effort, sealing=sealing)


def registered_sources(connection: Connection) -> frozenset[str]:
    """The ids of all sources of all record logs."""
    row = sources_tables.source.c
    return frozenset(connection.scalars(select(row.key).where(row.to_index.is_(None))))


def require_database(url: URL) -> None:
    """Raises ConfigError for a SQLite file that is missing: opening it would make an empty one in its place."""
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise ConfigError(
            f"the ledger's database {url.database} is not there",
            advice="Put it back where it was, or restore it; nothing was written.",
        )


def _create_log(store: Store, keys: FileKeys, log: LogId, authority: Authority) -> None:
    keys.create_log_keys(log.name)
    vkey = str(keys.log_signer(log.name, log.origin).verifier)
    store.create_log(LogCreated(number=log.number, name=log.name, origin=log.origin, key=vkey, product=PRODUCT))
    report = str(keys.report_signer(log.name, log.origin).verifier)
    _enter_key(store, log.number, KeyPurpose.REPORT, report, authority)


def _enter_key(store: Store, log: int, purpose: KeyPurpose, key: str, authority: Authority) -> None:
    event = KeyEvent(event=KeyEventSort.CREATED, purpose=purpose, key=key, authority=authority)
    store.append_one(log, draft(event))


def _open_store(folder: Path, chosen: Settings, clock: WallClock) -> Store:
    url = chosen.database_url(folder)
    kinds, projectors = assembly(url.get_backend_name())
    return Store(url, kinds, projectors, clock, chosen.readers)
