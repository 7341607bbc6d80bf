"""The agent's spool: every run that it read, signed and numbered, on stable storage before the next is read.

It is the sink of the agent's collectors. Nothing in it is dropped before the ledger has signed for it *and* a
checkpoint of the log covers it. When it is full the agent reads no further: a source that keeps its own trail loses
nothing, one that sends by itself is held up; the time stands as a gap in the source's next run.
"""

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from collectors.agent.identity import Identity
from collectors.agent.place import Limits, Place
from collectors.agent.spooled import batch_of, damaged, decoded, runs_of
from ledger.core.batch import (
    MAX_PAYLOAD,
    BatchHeader,
    SignedBatch,
    SignedReceipt,
    batch_digest,
    payload_digest,
    sign_batch,
    verify_receipt,
)
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import Conflict, InvalidEntry, RetriableSource
from ledger.core.record import Interval
from ledger.core.run import Gap, RecordOutcome, RunBatch, RunReceipt, SourceState, Status

FILE_NAME: Final = "spool.sqlite"
MIB: Final = 1024 * 1024
GAP_REASON: Final = "the agent's spool was full: nothing was read"
_SENT: Final = b"sent"
"""In a receipt's place where none can come."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS batch (
    epoch INTEGER NOT NULL, number INTEGER NOT NULL, header BLOB NOT NULL, signature TEXT NOT NULL,
    payload BLOB NOT NULL, spooled_us INTEGER NOT NULL, receipt BLOB, receipt_size INTEGER,
    PRIMARY KEY (epoch, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS source (id TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), standing BLOB NOT NULL);
"""


class Spool:
    """One agent's spool (`collectors.base.Sink`). Safe to use from any number of threads of one process."""

    def __init__(self, identity: Identity, clock: WallClock, limits: Limits | None = None) -> None:
        self._identity = identity
        self._clock = clock
        self._limits = limits or Limits()
        self._folder = identity.folder
        self._file = identity.folder / FILE_NAME
        self._lock = threading.RLock()
        self.arrived = threading.Event()
        """Set whenever there is something new to send."""
        self._db = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False, timeout=30.0)
        self._file.chmod(0o600)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
            self._bytes: int = self._db.execute("SELECT coalesce(sum(length(payload)), 0) FROM batch").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise damaged(self._file, f"cannot be opened: {error}") from None
        first = msgspec.json.encode(Place(epoch=identity.enrolled.epoch))
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO place VALUES (1, ?)", (first,))
        self._place = self._read_place()

    @property
    def place(self) -> Place:
        """Where the spool stands."""
        return self._place

    @property
    def held(self) -> int:
        """Bytes of the runs that it holds."""
        return self._bytes

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def state(self, source_id: str) -> SourceState:
        """Where a source stands in the spool; raises RetriableSource until the ledger has told where it began."""
        with self._reading():
            found = self._db.execute("SELECT state FROM source WHERE id = ?", (source_id,)).fetchone()
        if found is None:
            raise RetriableSource(
                f"the ledger has not told yet where source {source_id!r} stands",
                advice="It does once the agent is confirmed and reaches it; see `trailseal agent status`.",
            )
        return decoded(self._file, found[0], SourceState, f"where source {source_id!r} stands")

    def knows(self, source_id: str) -> bool:
        """Whether the source's beginning is known."""
        with self._reading():
            return self._db.execute("SELECT 1 FROM source WHERE id = ?", (source_id,)).fetchone() is not None

    def begin(self, state: SourceState) -> None:
        """Takes the source's place from the ledger; without effect where the spool knows it already."""
        with self._writing():
            self._db.execute("INSERT OR IGNORE INTO source VALUES (?, ?)", (state.source, msgspec.json.encode(state)))

    def submit(self, batch: RunBatch) -> RunReceipt:
        """Signs, numbers and keeps a run; it is on stable storage once this returns.

        Raises Conflict if it does not start where the source stands, RetriableSource while the spool is full or
        halted, InvalidEntry for a run that is too large to be sent. `index` in the receipt is the batch's number.
        """
        with self._writing():
            stands = self.state(batch.source)
            if batch.cursor_from != stands.cursor:
                raise Conflict(
                    f"the run of source {batch.source!r} starts at cursor {batch.cursor_from!r}, "
                    f"the run before ended at {stands.cursor!r}",
                    advice="Start again from where the spool stands.",
                )
            now = self._place
            if now.halted:
                raise RetriableSource(f"the agent waits for a person: {now.halted}")
            if since := now.full_since.get(batch.source):
                gap = Gap(
                    subject=f"source {batch.source}"[:512],
                    reason=GAP_REASON,
                    between=Interval(after=since, before=max(since, utc_text(self._clock.now_us()))),
                )
                batch = msgspec.structs.replace(batch, gaps=(*batch.gaps, gap))
            payload = msgspec.json.encode(batch)
            self._require_room(batch.source, len(payload))
            left = {name: at for name, at in now.full_since.items() if name != batch.source}
            number = self._add(msgspec.structs.replace(now, full_since=left), batch, payload)
            after = SourceState(
                source=batch.source,
                cursor=batch.cursor_to,
                snapshot=stands.snapshot if batch.snapshot is None else batch.snapshot,
                last_run=number,
                last_run_ended_at=batch.ended_at,
            )
            self._db.execute("UPDATE source SET state = ? WHERE id = ?", (msgspec.json.encode(after), batch.source))
        self.arrived.set()
        outcomes = [RecordOutcome(status=Status.APPENDED, index=number) for _ in batch.submissions]
        outcomes += [
            RecordOutcome(status=Status.QUARANTINED, index=number, reason=one.reason) for one in batch.rejected
        ]
        return RunReceipt(origin=self._identity.origin, run=number, outcomes=tuple(outcomes))

    def pending(self) -> SignedBatch | None:
        """The next batch that the ledger has not signed for; raises ConfigError for a damaged one."""
        with self._reading():
            found = self._db.execute(
                "SELECT header, signature, payload FROM batch WHERE epoch = ? AND receipt IS NULL "
                "ORDER BY number LIMIT 1",
                (self._place.epoch,),
            ).fetchone()
        return None if found is None else batch_of(self._file, self._identity, found)

    def waiting(self) -> int:
        """How many batches the ledger has not signed for."""
        with self._reading():
            count: int = self._db.execute("SELECT count(*) FROM batch WHERE receipt IS NULL").fetchone()[0]
        return count

    def kept(self) -> int:
        """How many batches are kept, signed for or not."""
        with self._reading():
            count: int = self._db.execute("SELECT count(*) FROM batch").fetchone()[0]
        return count

    def digest(self, number: int) -> str | None:
        """The digest of a batch of this epoch, as far back as it is known."""
        with self._lock:
            if number == self._place.delivered:
                return self._place.delivered_digest
        with self._reading():
            found = self._db.execute(
                "SELECT header FROM batch WHERE epoch = ? AND number = ?", (self._place.epoch, number)
            ).fetchone()
        return None if found is None else batch_digest(decoded(self._file, found[0], BatchHeader, f"batch {number}"))

    def delivered(self, header: BatchHeader, receipt: SignedReceipt) -> None:
        """Keeps the ledger's receipt; raises SignatureInvalid unless its receipt key signed it for this batch."""
        told = verify_receipt(receipt, header, self._identity.origin, self._identity.receipt_key)
        with self._writing():
            self._db.execute(
                "UPDATE batch SET receipt = ?, receipt_size = ? WHERE epoch = ? AND number = ?",
                (msgspec.json.encode(receipt), told.size, header.epoch, header.number),
            )
            self._keep(
                msgspec.structs.replace(self._place, delivered=header.number, delivered_digest=batch_digest(header))
            )

    def written(self, header: BatchHeader) -> None:
        """Takes a batch as sent where no receipt can come back; it is held to be sent again, until `let_go`."""
        with self._writing():
            self._db.execute(
                "UPDATE batch SET receipt = ? WHERE epoch = ? AND number = ?", (_SENT, header.epoch, header.number)
            )
            self._keep(
                msgspec.structs.replace(self._place, delivered=header.number, delivered_digest=batch_digest(header))
            )

    def let_go(self, before_us: int, bytes_kept: int) -> int:
        """Lets go of sent batches that are older than that, and of the oldest beyond so many bytes; how many."""
        with self._writing():
            sent = self._db.execute(
                "SELECT epoch, number, length(payload), spooled_us FROM batch WHERE receipt = ? ORDER BY epoch, number",
                (_SENT,),
            ).fetchall()
            gone = 0
            for epoch, number, size, spooled_us in sent:
                if spooled_us >= before_us and self._bytes <= bytes_kept:
                    break
                self._db.execute("DELETE FROM batch WHERE epoch = ? AND number = ?", (epoch, number))
                self._bytes -= size
                gone += 1
        return gone

    def batch(self, number: int) -> SignedBatch | None:
        """A batch of this epoch, if it is still held."""
        with self._reading():
            found = self._db.execute(
                "SELECT header, signature, payload FROM batch WHERE epoch = ? AND number = ?",
                (self._place.epoch, number),
            ).fetchone()
        return None if found is None else batch_of(self._file, self._identity, found)

    def covered(self, size: int) -> int:
        """Lets go of the batches whose receipts a checkpoint of that size covers; returns how many."""
        with self._writing():
            gone = self._db.execute(
                "SELECT count(*), coalesce(sum(length(payload)), 0) FROM batch WHERE receipt_size <= ?", (size,)
            ).fetchone()
            self._db.execute("DELETE FROM batch WHERE receipt_size <= ?", (size,))
        self._bytes -= gone[1]
        count: int = gone[0]
        return count

    def send_again(self, after: int) -> bool:
        """Takes what the ledger has lost after that number as not delivered; false if the spool holds it no more."""
        with self._writing():
            place = self._place
            kept = self._db.execute(
                "SELECT count(*) FROM batch WHERE epoch = ? AND number > ? AND number <= ?",
                (place.epoch, after, place.delivered),
            ).fetchone()[0]
            before = self._db.execute(
                "SELECT header FROM batch WHERE epoch = ? AND number = ?", (place.epoch, after + 1)
            ).fetchone()
            if kept != place.delivered - after or before is None:
                return False
            self._db.execute(
                "UPDATE batch SET receipt = NULL, receipt_size = NULL WHERE epoch = ? AND number > ?",
                (place.epoch, after),
            )
            digest = decoded(self._file, before[0], BatchHeader, f"batch {after + 1}").previous
            self._keep(msgspec.structs.replace(place, delivered=after, delivered_digest=digest))
        return True

    def halt(self, reason: str) -> None:
        """Until a new epoch begins nothing is read or sent."""
        with self._writing():
            self._keep(msgspec.structs.replace(self._place, halted=reason))

    def begin_epoch(self, epoch: int, states: Sequence[SourceState], after: int | None = None) -> None:
        """Begins the epoch that a person approved: sources stand where the ledger says; what it has not signed for is
        numbered anew, without moving them. What it holds already is a duplicate there.

        `after`: the last number of the present epoch that the ledger has, where it can't sign for any.
        """
        with self._writing():
            old = self._db.execute(
                "SELECT epoch, number, header, payload, spooled_us FROM batch WHERE receipt IS NULL"
                " OR (receipt = ? AND epoch = ? AND number > ?) ORDER BY epoch, number",
                (_SENT, self._place.epoch, self._place.number if after is None else after),
            ).fetchall()
            stands = {state.source: state for state in states}
            for state in states:
                self._db.execute(
                    "INSERT OR REPLACE INTO source VALUES (?, ?)", (state.source, msgspec.json.encode(state))
                )
            place = Place(epoch=epoch, full_since=self._place.full_since)
            self._keep(place)
            for was, number, header, payload, spooled_us in old:
                runs = runs_of(header, payload, spooled_us, stands)
                for run in runs:
                    mark = stands[run.source].cursor
                    run = msgspec.structs.replace(run, cursor_from=mark, cursor_to=mark, snapshot=None)
                    self._add(self._place, run, msgspec.json.encode(run))
                if runs:
                    self._db.execute("DELETE FROM batch WHERE epoch = ? AND number = ?", (was, number))
                    self._bytes -= len(payload)
        self.arrived.set()

    def _add(self, place: Place, run: RunBatch, payload: bytes) -> int:
        if len(payload) > MAX_PAYLOAD:
            raise InvalidEntry(f"a run of source {run.source!r} has {len(payload)} bytes, more than can be sent")
        header = BatchHeader(
            agent=self._identity.name,
            key=self._identity.key,
            epoch=place.epoch,
            number=place.number + 1,
            previous=place.previous,
            source=run.source,
            count=len(run.submissions) + len(run.rejected),
            cursor=run.cursor_to,
            payload=payload_digest(payload),
        )
        made = sign_batch(header, payload, self._identity.origin, self._identity.seed)
        self._db.execute(
            "INSERT INTO batch (epoch, number, header, signature, payload, spooled_us) VALUES (?, ?, ?, ?, ?, ?)",
            (
                header.epoch,
                header.number,
                msgspec.json.encode(header),
                made.signature,
                payload,
                self._clock.now_us(),
            ),
        )
        self._keep(msgspec.structs.replace(place, number=header.number, previous=batch_digest(header)))
        self._bytes += len(payload)
        return header.number

    def _require_room(self, source: str, size: int) -> None:
        full = self._bytes + size > self._limits.spool_mib * MIB
        if not full and shutil.disk_usage(self._folder).free >= self._limits.free_mib * MIB:
            return
        if source not in self._place.full_since:
            since = {**self._place.full_since, source: utc_text(self._clock.now_us())}
            self._keep(msgspec.structs.replace(self._place, full_since=since))
            # What is kept of it must outlast the refusal that follows.
            self._db.execute("COMMIT")
            self._db.execute("BEGIN IMMEDIATE")
        raise RetriableSource(
            f"the spool holds {self._bytes} bytes and is full, or its disk is: source {source!r} is not read",
            advice="Nothing is dropped. Let the agent reach the ledger, or raise [limits] in agent.toml.",
        )

    def _read_place(self) -> Place:
        with self._reading():
            found = self._db.execute("SELECT standing FROM place").fetchone()[0]
        return decoded(self._file, found, Place, "where it stands")

    def _keep(self, place: Place) -> None:
        self._db.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (msgspec.json.encode(place),))
        self._place = place

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            held = self._bytes
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._bytes = held
                self._place = self._read_place()
                if isinstance(error, sqlite3.OperationalError):
                    raise RetriableSource(
                        f"the spool cannot be written: {error}", advice="Check the agent's disk; nothing is lost."
                    ) from None
                if isinstance(error, sqlite3.DatabaseError):
                    raise damaged(self._file, f"cannot be written: {error}") from None
                raise

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.DatabaseError as error:
                raise damaged(self._file, f"cannot be read: {error}") from None
