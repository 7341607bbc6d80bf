"""Stamps the newest checkpoint of every log on the schedule of each authority of time; each is asked independently.

A response is verified before it is entered: nonce, imprint, signer, policy, chain at its moment. Once verified, and
before it is entered, it is on stable storage outside the database. What only says that logs were stamped, witnessed or
bound provokes no time-stamp: else a time-stamp's own entry would ask for the next one for ever.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import msgspec
import structlog
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import MICROSECONDS, parse_utc, utc_text
from ledger.core.entry import Draft, decode_leaf, draft
from ledger.core.errors import LedgerError, NotFound
from ledger.core.hashing import b64
from ledger.core.note import parse_note
from ledger.core.passkey import b64url
from ledger.core.timestamp_entries import TimestampEntry, Tsa
from ledger.core.timestamps import TOLERANCE_US, TimeStamp, differs, new_request, verify_time_stamp
from ledger.findings.kinds import Finding, FindingSort
from ledger.findings.tables import finding
from ledger.store import checkpoints
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import pos_of
from ledger.store.reading import RANGE, LogReader
from ledger.store.store import Store
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.revocations import Fetch, revocation_of
from ledger.trust.timestamp_reading import covered_size, newest, read_tsas
from ledger.trust.timestamp_tables import time_stamp_try

RETRY_S: Final = 60
"""Seconds before an authority that failed is asked again."""
MAX_ASKED: Final = 8
"""Authorities that are asked at once."""
_OWN_KINDS: Final = frozenset({"timestamp", "checkpoint-witnessed", "log-binding"})
_OWN_FINDINGS: Final = frozenset({FindingSort.TIME_STAMP_OUTAGE, FindingSort.TIME_STAMP_LATE, FindingSort.TIME_DIFFERS})


class Ask(Protocol):
    """Sends a request (DER) to an authority and returns its response; raises LedgerError where there is none."""

    def __call__(self, url: str, request: bytes, /) -> bytes: ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking an authority about a log: the entry, or what went wrong."""

    tsa: str
    origin: str
    size: int
    index: int | None = None
    gen_time: str | None = None
    error: str = ""


class Stamping:
    """For use by the leader, and by who wants a time-stamp now; safe to use from any number of threads."""

    def __init__(self, store: Store, kept: KeptTokens, ask: Ask, fetch: Fetch | None = None) -> None:
        """`fetch` gets what says whether an authority's certificates were revoked; without it that is not asked."""
        self._store = store
        self._fetch = fetch
        self._kept = kept
        self._ask = ask
        self._turn = threading.Lock()
        self._log = structlog.get_logger("ledger.stamping")

    def work(self) -> None:
        """Asks each authority that is due, and finds those that have not answered for too long."""
        for answer in self.stamp(due=True):
            if answer.error:
                self._log.warning("no time-stamp", tsa=answer.tsa, log=answer.origin, error=answer.error)
        self._find_outages()

    def stamp(self, due: bool = False) -> list[Answer]:
        """Has every log stamped that holds more than its last time-stamp covers, by each authority in force.

        `due`: only by those whose schedule says so.
        """
        with self._turn:
            with self._store.reading() as connection:
                tsas = read_tsas(self._store.kinds, connection).in_force(LogReader(connection, SYSTEM_LOG).head().size)
                work = [(tsa, list(self._waiting(connection, tsa, due))) for tsa in tsas]
            asked = [(tsa, logs) for tsa, logs in work if logs]
            if not asked:
                return []
            with ThreadPoolExecutor(min(MAX_ASKED, len(asked)), thread_name_prefix="tsa") as pool:
                return [answer for answers in pool.map(lambda one: self._by(*one), asked) for answer in answers]

    def _waiting(self, connection: Connection, tsa: Tsa, due: bool) -> Iterator[tuple[LogId, StoredCheckpoint]]:
        """The logs of which an authority has not dated all that somebody but the trust service entered."""
        now = self._store.clock.now_us()
        row = time_stamp_try.c
        failed = connection.scalar(select(row.tried_us).where(row.tsa == tsa.tsa, row.failing_us.is_not(None)))
        if due and failed is not None and 0 <= now - failed < RETRY_S * MICROSECONDS:
            return
        for log in read_logs(connection):
            last = newest(connection, 1, after=tsa.proposed, origin=log.origin, tsa=tsa.tsa)
            if due and last and 0 <= now - last[0].entered_us < tsa.every_seconds * MICROSECONDS:
                continue
            try:
                stored = checkpoints.latest(connection, log.number)
            except NotFound:
                continue
            if self._first_of_others(connection, log, last[0].size if last else 0, stored.size) is not None:
                yield log, stored

    def _first_of_others(self, connection: Connection, log: LogId, low: int, high: int) -> int | None:
        """The first entry of a range that is more than word of time-stamps, witnesses and bindings; None without."""
        reader = LogReader(connection, log.number)
        step = 16
        while low < high:
            for found in reader.entries(low, min(high, low + step)):
                kind = decode_leaf(found.leaf).kind
                if kind == "finding" and found.body is not None:
                    body = self._store.kinds[kind].decode(found.body)
                    if isinstance(body, Finding) and body.sort in _OWN_FINDINGS:
                        continue
                if kind not in _OWN_KINDS:
                    return found.index
            low, step = low + step, RANGE
        return None

    def _by(self, tsa: Tsa, logs: Sequence[tuple[LogId, StoredCheckpoint]]) -> list[Answer]:
        """Asks one authority about one log after the other; the first failure ends its turn."""
        answers = []
        for log, stored in logs:
            try:
                index, stamp = self._one(tsa, log, stored)
            except LedgerError as error:
                self._note(tsa.tsa, error.message)
                answers.append(Answer(tsa=tsa.tsa, origin=log.origin, size=stored.size, error=error.message))
                break
            self._note(tsa.tsa, None)
            answers.append(
                Answer(tsa=tsa.tsa, origin=log.origin, size=stored.size, index=index, gen_time=utc_text(stamp.gen_us))
            )
        return answers

    def _one(self, tsa: Tsa, log: LogId, stored: StoredCheckpoint) -> tuple[int, TimeStamp]:
        text = parse_note(stored.note).text
        checkpoint, message = Checkpoint.parse(text), text.encode()
        request = new_request(message)
        token = self._ask(tsa.url, request.data)
        stamp, revocation = self._verified(tsa, token, message, request.nonce)
        self._kept.keep(log.name, tsa.tsa, stored, token, stamp)
        entry = TimestampEntry(
            tsa=tsa.tsa,
            proposed=tsa.proposed,
            origin=log.origin,
            size=checkpoint.size,
            root=b64(checkpoint.root),
            gen_time=utc_text(stamp.gen_us),
            accuracy_us=stamp.accuracy_us,
            token=b64url(token),
            revocation=tuple(map(b64url, revocation)),
        )

        def counts(transaction: Transaction) -> None:
            now = read_tsas(self._store.kinds, transaction.connection).by_proposal(tsa.proposed)
            if now is None or not now.counts(transaction.next_index):
                raise NotFound(f"time-stamp authority {tsa.tsa!r} was withdrawn meanwhile")

        def findings(transaction: Transaction, placed: Sequence[Placed]) -> Sequence[Draft]:
            return list(self._findings(transaction, placed[0].index, tsa, log, stored.size, stamp))

        placed = self._store.append(SYSTEM_LOG, Batch([draft(entry)], closing=findings, before=counts))
        return placed[0].index, stamp

    def _verified(self, tsa: Tsa, token: bytes, message: bytes, nonce: int) -> tuple[TimeStamp, tuple[bytes, ...]]:
        """What a response says, and what was got of whether its authority's certificates were revoked."""
        stamp = verify_time_stamp(token, message, tsa.pins, nonce)
        revocation = () if self._fetch is None else revocation_of(stamp.chain, self._fetch)
        if revocation:
            stamp = verify_time_stamp(token, message, tsa.pins, nonce, revocation)
        return stamp, revocation

    def _findings(
        self, transaction: Transaction, index: int, tsa: Tsa, log: LogId, size: int, stamp: TimeStamp
    ) -> Iterator[Draft]:
        """What a person has to look at of a time-stamp that is being entered as `index`."""
        reader = LogReader(transaction.connection, log.number)
        covered = covered_size(transaction.connection, log.origin)
        first = self._first_of_others(transaction.connection, log, covered, size)
        if first is not None and stamp.by_us - _logged_us(reader, first) > tsa.late_us:
            yield _finding(
                FindingSort.TIME_STAMP_LATE,
                index,
                f"entries {first} to {size - 1} of {log.origin} are first dated by {tsa.tsa}, at "
                f"{utc_text(stamp.gen_us)}; entry {first} was logged at {utc_text(_logged_us(reader, first))}: that "
                "they existed before is this ledger's word alone",
            )
        apart = transaction.logged_us - stamp.gen_us
        if differs(stamp.gen_us, stamp.accuracy_us, _logged_us(reader, size - 1)) or (
            abs(apart) > TOLERANCE_US + stamp.accuracy_us
        ):
            yield _finding(
                FindingSort.TIME_DIFFERS,
                index,
                f"{tsa.tsa} says {utc_text(stamp.gen_us)} where this ledger's clock says "
                f"{utc_text(transaction.logged_us)}, {abs(apart) / MICROSECONDS:.0f} s apart",
            )

    def _find_outages(self) -> None:
        """Enters a finding for each authority that has failed for longer than its schedule lets entries wait."""
        now = self._store.clock.now_us()
        with self._store.reading() as connection:
            tsas = read_tsas(self._store.kinds, connection).in_force(LogReader(connection, SYSTEM_LOG).head().size)
            row = time_stamp_try.c
            failing = {
                tsa: (since, error)
                for tsa, since, error in connection.execute(
                    select(row.tsa, row.failing_us, row.error).where(row.failing_us.is_not(None))
                )
            }
            long = [tsa for tsa in tsas if tsa.tsa in failing and now - failing[tsa.tsa][0] > tsa.late_us]
            untold = [tsa for tsa in long if not _told(connection, tsa)]
        for tsa in untold:
            since, error = failing[tsa.tsa]
            detail = f"{tsa.tsa}: no time-stamp since {utc_text(since)}, {error}"
            self._store.append_one(SYSTEM_LOG, _finding(FindingSort.TIME_STAMP_OUTAGE, tsa.proposed, detail))

    def _note(self, tsa: str, error: str | None) -> None:
        """Remembers when an authority was asked, and since when it fails."""
        now = self._store.clock.now_us()
        with self._store.writing() as connection:
            insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
            made = insert(time_stamp_try).values(
                tsa=tsa, tried_us=now, failing_us=None if error is None else now, error=(error or "")[:500]
            )
            since = None if error is None else func.coalesce(time_stamp_try.c.failing_us, made.excluded.failing_us)
            connection.execute(
                made.on_conflict_do_update(
                    index_elements=["tsa"],
                    set_={"tried_us": made.excluded.tried_us, "failing_us": since, "error": made.excluded.error},
                )
            )


def _told(connection: Connection, tsa: Tsa) -> bool:
    """Whether an outage of an authority was found since its last time-stamp."""
    last, row = newest(connection, 1, after=tsa.proposed, tsa=tsa.tsa), finding.c
    since = last[0].index if last else tsa.proposed
    found = connection.scalars(
        select(row.detail).where(
            row.sort == FindingSort.TIME_STAMP_OUTAGE.value,
            row.pos > pos_of(SYSTEM_LOG, since),
            row.pos < pos_of(SYSTEM_LOG + 1, 0),
        )
    )
    return any(detail.startswith(f"{tsa.tsa}: ") for detail in found)


def _finding(sort: FindingSort, index: int, detail: str) -> Draft:
    return draft(Finding(sort=sort, source=None, entries=(index,), detail=detail))


def _logged_us(reader: LogReader, index: int) -> int:
    return parse_utc(decode_leaf(reader.entry(index).leaf).logged_at)
