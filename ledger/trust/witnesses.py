"""Witnesses as the log asks them: for every checkpoint, all at once; what they say, and what is missing, is entered.

A checkpoint without its quorum is published all the same, and says so: everything that shows it shows what it lacks.
Only a witness that has seen more than the log holds, or another root, stops it (level 5).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import msgspec
import structlog
from sqlalchemy import Connection
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.entry import draft
from ledger.core.errors import ConfigError, Conflict, IntegrityError, LedgerError, RolledBack
from ledger.core.hashing import b64
from ledger.core.note import NoteSignature, Verifier, parse_note, with_lines
from ledger.core.witness_policy import (
    CheckpointWitnessedEntry,
    InForce,
    Quorum,
    RunBy,
    WitnessAbout,
    WitnessPolicies,
    WitnessPolicyEntry,
    policy_of,
)
from ledger.core.witnessing import (
    AddCheckpoint,
    Answer,
    WitnessConflict,
    WitnessElsewhere,
    WitnessError,
    accepted,
)
from ledger.store import checkpoints
from ledger.store.append import Batch, Transaction
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store
from ledger.trust.kept import Kept
from ledger.trust.witness_reading import cosigned_by, of_checkpoint, read_policies

ANSWER_S: Final = 2.0
"""Seconds that a witness has to answer before a checkpoint is published without it."""
PUBLISHING: Final = Authority(actor="service:witnesses", authenticated=False)
"""On whose authority cosignatures are entered that nobody carried."""
_ONE_AT_A_TIME: Final = "witness-policy"


class Asked(Protocol):
    """A witness that can be asked over a network (`trust.witness.client.WitnessClient`)."""

    def add_checkpoint(self, request: AddCheckpoint) -> tuple[NoteSignature, ...]: ...
    def checkpoint(self, origin: str) -> bytes | None: ...


Client = Callable[[str, Verifier, float], Asked]


def over_http(url: str, key: Verifier, timeout: float) -> Asked:
    """The witness at an address."""
    # Imported here: an HTTP client takes its time to load, and most ledgers' commands ask nobody.
    from ledger.trust.witness.client import WitnessClient

    return WitnessClient(url, key, timeout)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of asking one witness: its lines, or why there is none."""

    witness: str
    lines: tuple[str, ...] = ()
    trouble: str = ""


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What all witnesses said of one checkpoint."""

    lines: tuple[str, ...]
    told: tuple[Told, ...]


class Witnesses:
    """Asks the witnesses of the ledger's policy, and enters what they say. Safe to use from any number of threads."""

    def __init__(
        self, store: Store, kept: Kept, keys: Callable[[LogId], Iterable[Verifier]], client: Client = over_http
    ) -> None:
        """`kept`: where cosigned checkpoints are kept outside the database; `keys`: those that sign a log's."""
        self._store = store
        self._kept = kept
        self._keys = keys
        self._client = client
        self._clients: dict[str, Asked] = {}
        self._seen: dict[tuple[str, str], int] = {}
        self._told: dict[str, Told] = {}
        self._log = structlog.get_logger("ledger.trust.witnesses")

    @property
    def told(self) -> Mapping[str, Told]:
        """How asking went last, by witness, in this process."""
        return dict(self._told)

    def policies(self) -> WitnessPolicies:
        """The ledger's policies, as the system log has them now."""
        with self._store.reading() as connection:
            return read_policies(connection, self._store.kinds)

    def set_policy(
        self, text: str, log: RunBy, about: Iterable[WitnessAbout], reason: str, authority: Authority
    ) -> int:
        """Enters a policy; it comes into force by a checkpoint that meets the one before. Returns the entry's index.

        Raises ConfigError for a policy that is none, or that says too little of its witnesses.
        """
        body = WitnessPolicyEntry(policy=text, log=log, about=tuple(about), reason=reason, authority=authority)
        try:
            named = policy_of(0, body).policy.witnesses
            for name, one in named.items():
                if one.url is not None and one.url.partition("://")[0] not in ("http", "https"):
                    raise IntegrityError(f"{one.url!r} is not the address of witness {name}")
        except IntegrityError as error:
            raise ConfigError(error.message, advice="Correct the policy; nothing was entered.") from error
        return self._store.append(SYSTEM_LOG, Batch([draft(body)], before=_alone))[0].index

    def collect(self, log: LogId, note: bytes, checkpoint: Checkpoint) -> Collected:
        """Asks every witness that can be reached by network, and has not cosigned the note yet, all at once.

        Raises RolledBack where one has seen more than the log holds, WitnessConflict where one saw another root.
        """
        policies = self.policies()
        have = {(line.name, line.key_id) for line in parse_note(note).signatures}
        reachable = {
            str(one.key): (name, one.key, one.url)
            for known in (policies.in_force, *policies.pending)
            for name, one in known.policy.witnesses.items()
            if one.url is not None and (one.key.name, one.key.key_id) not in have
        }
        if not reachable:
            return Collected(lines=(), told=())
        with ThreadPoolExecutor(len(reachable), thread_name_prefix="witness") as pool:
            told = tuple(pool.map(lambda one: self._ask(log, note, checkpoint, *one), reachable.values()))
        self._told.update({one.witness: one for one in told})
        return Collected(lines=tuple(line for one in told for line in one.lines), told=told)

    @retry(retry=retry_if_exception_type(Conflict), stop=stop_after_attempt(5), reraise=True)
    def enter(
        self,
        log: LogId,
        note: bytes,
        checkpoint: Checkpoint,
        lines: Iterable[str],
        authority: Authority = PUBLISHING,
    ) -> CheckpointWitnessedEntry | None:
        """Enters the cosignatures of a published checkpoint; None where no witness was ever asked for.

        `note` is the checkpoint with the lines that it has already, `lines` are those that come to it.
        """
        policies = self.policies()
        if not policies.asked() and policies.in_force.entry is None:
            return None
        new = tuple(dict.fromkeys(lines))
        quorum, missing = policies.judge(with_lines(note, new), tuple(self._keys(log)), log.origin)
        said = CheckpointWitnessedEntry(
            origin=log.origin,
            size=checkpoint.size,
            root=b64(checkpoint.root),
            lines=new,
            policy=policies.in_force.entry,
            state=quorum,
            missing=missing,
            authority=authority,
        )
        if new:
            self._kept.keep_cosigned(log.name, with_lines(note, new), self._store.clock.now_us())

        def unchanged(transaction: Transaction) -> None:
            _alone(transaction)
            now = read_policies(transaction.connection, self._store.kinds)
            if now.in_force.entry != said.policy:
                raise Conflict("another policy came into force meanwhile")

        self._store.append(SYSTEM_LOG, Batch([draft(said)], before=unchanged))
        return said

    def lacking(self, connection: Connection, log: LogId, size: int) -> bool:
        """Whether a checkpoint lacks the word of witnesses that are asked for."""
        said = of_checkpoint(connection, log.origin, size)
        lacks = said is None or said[0] is Quorum.MISSING
        return lacks and bool(read_policies(connection, self._store.kinds).asked())

    def request(self, log: LogId, old: int, stored: StoredCheckpoint) -> AddCheckpoint:
        """The request for a witness that no network reaches, to be carried as a file; `old`: what it saw last."""
        with self._store.reader(log.number) as reader:
            proof = tuple(reader.consistency(old, stored.size)) if 0 < old < stored.size else ()
        return AddCheckpoint.of_log(old, proof, stored.note)

    def take_answer(
        self, log: LogId, request: AddCheckpoint, answer: Answer, authority: Authority
    ) -> CheckpointWitnessedEntry:
        """Enters what a witness answered on a request that was carried by hand.

        Raises WitnessError where it refuses, or its line is of no witness of the policy; NotFound for a checkpoint that
        is not this log's.
        """
        checkpoint = request.checkpoint
        with self._store.reading() as connection:
            stored = checkpoints.latest(connection, log.number, checkpoint.size)
        if stored.size != checkpoint.size or checkpoint.origin != log.origin:
            raise ConfigError(f"size {checkpoint.size} of {checkpoint.origin} is no published checkpoint of this log")
        lines = _lines(request, answer, self.policies().asked())
        entered = self.enter(log, stored.note, checkpoint, lines, authority)
        assert entered is not None
        return entered

    def known(self, connection: Connection, log: LogId) -> dict[str, StoredCheckpoint]:
        """The largest checkpoint of a log that each witness of the policies has cosigned, by its key's text."""
        policies = read_policies(connection, self._store.kinds)
        return {str(key): found for key in policies.asked() if (found := cosigned_by(connection, log, key)) is not None}

    def shown(self, log: LogId, policy: InForce) -> Iterator[tuple[str, bytes | None, str]]:
        """What each witness of a policy that can be reached shows of a log now: its name, the note, or why there is
        none.
        """
        for name, one in policy.policy.witnesses.items():
            if one.url is None:
                continue
            try:
                yield name, self._asked(one.url, one.key).checkpoint(log.origin), ""
            except WitnessError as error:
                yield name, None, error.message

    def _ask(self, log: LogId, note: bytes, checkpoint: Checkpoint, name: str, key: Verifier, url: str) -> Told:
        witness = self._asked(url, key)
        try:
            old = self._old(log, key)
            try:
                lines = witness.add_checkpoint(self._from(log, note, checkpoint, old))
            except WitnessElsewhere as elsewhere:
                if elsewhere.size > checkpoint.size:
                    self._require_not_ahead(log, name, witness)
                    return Told(witness=name, trouble="it says that it has cosigned a later checkpoint of this log")
                lines = witness.add_checkpoint(self._from(log, note, checkpoint, elsewhere.size))
        except WitnessConflict as conflict:
            # A witness's word alone stops no log: it has to show what the log's key signed.
            self._require_not_ahead(log, name, witness)
            self._log.error("a witness claims another past, and does not show it", witness=name, log=log.name)
            return Told(witness=name, trouble=f"{conflict.message}, and does not show it")
        except RolledBack:
            raise
        except LedgerError as error:
            self._log.warning("a witness did not cosign", witness=name, log=log.name, error=error.message)
            return Told(witness=name, trouble=error.message)
        self._seen[log.origin, str(key)] = checkpoint.size
        return Told(witness=name, lines=tuple(line.line.rstrip("\n") for line in lines))

    def _require_not_ahead(self, log: LogId, name: str, witness: Asked) -> None:
        """Raises RolledBack or WitnessConflict where the witness shows what this log's key signed, and it is not here:
        more of it, or another past, be it at a smaller size than that of the checkpoint.
        """
        try:
            note = witness.checkpoint(log.origin)
            shown = None if note is None else open_checkpoint(note, log.origin, self._keys(log)).checkpoint
        except LedgerError:
            return
        with self._store.reader(log.number) as reader:
            held = reader.head().size
            if shown is None:
                return
            if shown.size > held:
                raise RolledBack(
                    f"log {log.origin} holds {held} entries, but witness {name} has seen {shown.size}",
                    advice="The database is older than what was published: restore the newest copy. Nothing is "
                    "published.",
                )
            if reader.root(shown.size) != shown.root:
                raise WitnessConflict(
                    f"witness {name} shows another root of {log.origin} at size {shown.size}, signed by its key"
                )

    def _from(self, log: LogId, note: bytes, checkpoint: Checkpoint, old: int) -> AddCheckpoint:
        old = min(old, checkpoint.size)
        with self._store.reader(log.number) as reader:
            proof = tuple(reader.consistency(old, checkpoint.size)) if 0 < old < checkpoint.size else ()
        return AddCheckpoint.of_log(old, proof, note)

    def _old(self, log: LogId, key: Verifier) -> int:
        known = self._seen.get((log.origin, str(key)))
        if known is not None:
            return known
        with self._store.reading() as connection:
            found = cosigned_by(connection, log, key)
        return 0 if found is None else found.size

    def _asked(self, url: str, key: Verifier) -> Asked:
        ident = f"{key} {url}"
        if ident not in self._clients:
            self._clients[ident] = self._client(url, key, ANSWER_S)
        return self._clients[ident]


def _lines(request: AddCheckpoint, answer: Answer, asked: Iterable[Verifier]) -> tuple[str, ...]:
    """The lines of the first witness of the policy whose answer it is; raises as `accepted` does."""
    refused: WitnessError | None = None
    for key in asked:
        try:
            return tuple(line.line.rstrip("\n") for line in accepted(request, answer, key))
        except WitnessError as error:
            refused = error
    if refused is None:
        raise ConfigError("the ledger asks for no witness", advice="Set a policy first: `trailseal witness policy`.")
    raise refused


def _alone(transaction: Transaction) -> None:
    """One of these entries a group commit: what was entered in the same one is not in the database yet."""
    if transaction.scratch.get(_ONE_AT_A_TIME):
        raise Conflict("the policy, or what a witness said, changes at this moment", advice="Do it once more.")
    transaction.scratch[_ONE_AT_A_TIME] = True
