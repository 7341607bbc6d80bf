"""One ledger, opened with all its domains: every surface (API, pages, terminal, server) is given it."""

import re
from collections.abc import Sequence
from pathlib import Path

from ledger import settings
from ledger.agents.agents import Agents, Invitation
from ledger.agents.broker_state import BrokerWatch
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import SystemClock, WallClock
from ledger.core.entry import draft
from ledger.core.errors import CheckpointForked, ConfigError, Conflict, RolledBack
from ledger.core.note import PrivateKey
from ledger.core.note import Verifier as NoteVerifier
from ledger.core.structs import make_ready
from ledger.domains import ServiceStart, assembly, impacts
from ledger.integrity.incidents.cases import Cases
from ledger.integrity.incidents.compromises import Compromises
from ledger.integrity.incidents.preserved import Preserved
from ledger.integrity.incidents.standing import Standings
from ledger.integrity.incidents.ways_back import WaysBack
from ledger.integrity.level3 import log_keys
from ledger.integrity.verifier import Verifier
from ledger.jobs.frame import Context as JobContext
from ledger.jobs.frame import Jobs
from ledger.new_log import NEXT_KEYS, PRODUCT, SYSTEM, create_log, enter_key
from ledger.opening import open_store, require_database
from ledger.people.administration import require_admin
from ledger.people.entrance import Entrance
from ledger.people.notices import Notices
from ledger.people.oidc import IdentityProvider, Secret
from ledger.people.oidc_door import ProviderDoor
from ledger.people.passwords import Effort
from ledger.people.people import People
from ledger.privacy.erasures import Erasures
from ledger.privacy.look_ups import LookUps
from ledger.quality import Quality
from ledger.record_log import RecordLog
from ledger.retention.copies import Copies
from ledger.retention.disposals import Disposals
from ledger.retention.holds import Holds
from ledger.retention.proven import Proven
from ledger.retention.rules import Rules
from ledger.review.reviews.raising import Raising
from ledger.review.reviews.reviews import Reviews
from ledger.signing.bindings import owner_of_key
from ledger.signing.person_keys import Sealing
from ledger.signing.provider import ProviderSigning
from ledger.signing.signing import Signing
from ledger.signing.time_epochs import TimeEpochs
from ledger.signing.workflows import Workflows
from ledger.sources.ingest import Ingest
from ledger.sources.inventory import Inventory, registered_sources
from ledger.sources.uploads import Uploads
from ledger.store.append import Transaction
from ledger.store.database import require_current
from ledger.store.logs import SYSTEM_LOG, choose
from ledger.telling import Telling
from ledger.trust.digest_life import DigestRotated, rotate_digest
from ledger.trust.kept import Kept
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.key_life import KeyLife
from ledger.trust.keys import Keys
from ledger.trust.kinds import KeyPurpose
from ledger.trust.moving import Mover
from ledger.trust.publisher import Publisher
from ledger.trust.renewing import Renewing
from ledger.trust.rollback import Rollback
from ledger.trust.signed import SignedState
from ledger.trust.signer import Signer, SignsCheckpoints
from ledger.trust.signer_process import NearestSigner
from ledger.trust.site_watch import Watch
from ledger.trust.stamping import Stamping
from ledger.trust.tsa_admin import TsaAdmin
from ledger.trust.tsa_client import ask, fetch
from ledger.trust.watching import WitnessWatch
from ledger.trust.witnesses import Witnesses

VERIFY = "verify"
"""The sort of verification jobs; their parameters are an `integrity.verifier.Plan`."""
DISPOSE = "dispose"
"""The sort of jobs that remove what two people decided; their parameters are a `retention.disposals.Removal`."""
ASSESS = "assess"
"""The sort of jobs that assess records; their parameters are a `review.alcoa.runs.Plan`."""
RULES = "rules"
"""The sort of jobs in which the rules look at records; their parameters are a `review.exceptions.runs.Plan`."""
BACK_TEST = "back-test"
"""The sort of jobs in which a rule looks at the past; their parameters are a `review.trials.back_testing.BackTest`."""
IMPORT = "import"
"""The sort of jobs that read an uploaded file; their parameters are an `importing.Task`."""
_NOTICES = Authority(actor="service:notices", authenticated=False)


_LOG_NAME = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Service:
    """One opened ledger. `close` it; nothing that was acknowledged depends on that."""

    def __init__(
        self,
        folder: Path,
        clock: WallClock | None = None,
        verify_workers: int = 1,
        effort: Effort = Effort(),  # noqa: B008 - frozen
        sealing: Sealing = Sealing(),  # noqa: B008 - frozen
        signer: SignsCheckpoints | None = None,
    ) -> None:
        """Opens the ledger in `folder`; raises ConfigError, naming what is wrong and what to do.

        `verify_workers` above 1: verification runs in so many processes. `effort`: what a look at a password costs,
        and `sealing` one at a signing key. `signer`: who signs checkpoints; else the ledger's signer process where one
        runs, and this process where none does.
        """
        make_ready()
        self.folder = folder
        self.settings, self.settings_digest = settings.load(folder)
        self.clock: WallClock = clock or SystemClock()
        self.keys = Keys(folder / "keys", self.settings.keys, self.settings.origin, self.clock)
        require_database(self.settings.database_url(folder))
        self.store = open_store(folder, self.settings, self.clock)
        require_current(self.store.readers)
        state, kept = SignedState(folder / "signed"), Kept(folder / "kept")
        self.witnesses = Witnesses(self.store, kept, self.verifiers)
        self.witness_watch = WitnessWatch(self.store, self.settings.witness_window_seconds)
        self.rollback = Rollback(self.witnesses, state, kept, self.verifiers)
        self.signer = signer or NearestSigner(folder / "signed", self.own_signer)
        self.publisher = Publisher(self.store, self.signer, state, self.witnesses)
        self.tsas = TsaAdmin(self.store, require_admin)
        self.stamping = Stamping(self.store, KeptTokens(folder), ask, fetch)
        self.renewing = Renewing(self.store, ask)
        self.key_life = KeyLife(
            self.store, self.keys, self.publisher.publish, self._permit_keys, owner_of_key, folder / "signed"
        )
        self.store.guard = state.require_here
        self.mover = Mover(self.store, folder / "signed", state, self.publisher, self.rollback)
        self.site_watch = Watch(self.store)
        self.people = People(self.store, registered_sources)
        web, keys = self.settings.web.origin, self.keys
        self.entrance = Entrance(self.store, self.people, keys.pepper, keys.mail_password, web, effort)
        self.holds = Holds(self.store)
        self.quality = Quality(self.store, self.keys.digests, self.clock, self.people.directory.forget)
        self.retention = Rules(self.store)
        self.look_ups = LookUps(self.store, self.keys.digests)
        self.notices = Notices(self.store, self._notice_key, self.keys.mail_password)
        self.workflows = Workflows(self.store, self.notices.tell)
        self.reviews = Reviews(self.store, self.quality.parameters, self.workflows)
        self.raising = Raising(self.store, self.quality.parameters, folder, self.settings.deviations)
        self.provider = IdentityProvider(self.store, Secret(self.keys.client_secret, self.keys.digests))
        self.provider_door = ProviderDoor(self.store, self.people.sessions, self.provider)
        self.provider_signing = ProviderSigning(self.store, self.provider_door)
        zone, origin = self.settings.zone, self.settings.web.origin
        self.signing = Signing(
            self.store, self.entrance, self.keys.pepper, zone, origin, self.provider_signing, sealing
        )
        self.time_epochs = TimeEpochs(self.store, self.signing.keys, Proven(self.store))
        self.cases = Cases(
            self.store,
            kept,
            folder / "signed",
            lambda connection: log_keys(connection, self.store.kinds),
            impacts(),
        )
        self.standings = Standings(self.cases)
        self.copies = Copies(self.store)
        preserved = Preserved(self.cases, self.standings)
        self.erasures = Erasures(self.store, preserved)
        self.disposals = Disposals(
            self.store,
            Proven(self.store),
            preserved,
            lambda: self.settings.owner_url(folder),
        )
        self.compromises = Compromises(self.cases)
        judge, faulty, known = self.rollback.judge, self.cases.faulty, self.cases.known
        recount = self.quality.recounting
        self.verifier = Verifier(
            self.store, assembly, self._digest, verify_workers, judge, faulty=faulty, known=known, recount=recount
        )
        self.ways_back = WaysBack(self.cases, self.verifier, state)
        handlers = {
            VERIFY: self.verifier.work,
            IMPORT: self._work_on_import,
            DISPOSE: self.disposals.work,
            ASSESS: self.quality.assessments.work,
            RULES: self.quality.rules.work,
            BACK_TEST: self.quality.back_tests.work,
        }
        self.jobs = Jobs(self.store, handlers)
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

    def _digest(self, data: bytes) -> bytes:
        return self.keys.digests()(data)

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

    def own_signer(self) -> Signer:
        """Signs checkpoints in this process, by the keys of the ledger's folder; raises ConfigError where it may not
        open them.
        """
        self.keys.require_signer()
        return Signer(self.store, self.keys, SignedState(self.folder / "signed"), self.witnesses, self.rollback)

    def verifiers(self, log: LogId) -> tuple[NoteVerifier, ...]:
        """The keys by which this ledger signs, or signed, a log's checkpoints."""
        return self.key_life.history(log).verifiers

    def vkey(self, log: LogId) -> str:
        """The verifier key of a log's checkpoints as they are signed now: what is pinned outside to verify them."""
        return self.key_life.history(log).present.vkey

    def _permit_keys(self, transaction: Transaction, authority: Authority) -> None:
        """Keys are changed by administrators; until the first start is over also by who has the ledger's folder."""
        require_admin(self.store, transaction, authority)

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
        self.keys.create_log_keys(name)
        create_log(self.store, self.keys, log, self.folder / NEXT_KEYS, authority)
        made = RecordLog(self.store, self.keys, log, self.agents, self.settings.agents.silence_seconds)
        self.logs[name], self._record_logs[name] = log, made
        return made

    def publish_all(self) -> None:
        """Publishes what grew (`Publisher.publish_all`); a log that does not continue what was signed opens a case.

        Raises RolledBack, CheckpointForked.
        """
        try:
            self.publisher.publish_all()
        except (RolledBack, CheckpointForked) as error:
            self.cases.refused(error.message)
            raise

    def require_receipt_key(self, log: LogId, authority: Authority) -> None:
        """Makes the key that signs receipts of a log, unless it has one."""
        if not self.keys.has_receipt_key(log.name):
            self.keys.create_receipt_key(log.name)
            vkey = str(self.keys.receipt_signer(log.name, log.origin).verifier)
            enter_key(self.store, log.number, KeyPurpose.RECEIPT, vkey, authority)

    def notice_vkey(self) -> str | None:
        """The verifier key of what goes to webhooks; None before the first notice to one."""
        return self.keys.notice_vkey(self.system.origin) if self.keys.has_notice_key() else None

    def _notice_key(self) -> PrivateKey:
        """The key that signs what goes to webhooks: made, and entered, before the first notice to one."""
        if not self.keys.has_notice_key():
            self.keys.create_notice_key()
            vkey = self.keys.notice_vkey(self.system.origin)
            enter_key(self.store, SYSTEM_LOG, KeyPurpose.NOTICE, vkey, _NOTICES)
        return self.keys.notice_key()

    def rotate_digest(self, authority: Authority) -> DigestRotated:
        """Puts a new secret of the content digest into use (`trust.digest_life`); raises AccessDenied."""
        return rotate_digest(self.store, self.keys, self._permit_keys, authority)

    def record_start(self, authority: Authority) -> None:
        """Enters in the system log that the service started, and with which settings."""
        started = ServiceStart(product=PRODUCT, settings_sha256=self.settings_digest, authority=authority)
        self.store.append_one(SYSTEM_LOG, draft(started))

    def close(self) -> None:
        """Closes the ledger's connections."""
        self.verifier.close()
        self.store.close()
