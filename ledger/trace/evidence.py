"""Everything that proves the answer to a selection, read in one snapshot at the size of the latest checkpoint.

The population is the selection as of that size; each entry is proven (level 1 and its inclusion) as it is read, and its
own body must bear out what the search tables said of it. Nothing is held in memory but the few facts named here:
records, runs and sources are streams that can be read again.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import msgspec
from sqlalchemy import ColumnElement, select

from ledger.core.address import Address, LogId
from ledger.core.clock import WallClock
from ledger.core.entry import ORIGINAL, SEALED
from ledger.core.errors import IntegrityError, NotFound
from ledger.core.hashing import b64, leaf_hash, original_commitment, sealed_commitment
from ledger.core.kinds import RECORD, KindRegistry
from ledger.core.members import Members
from ledger.core.record import RecordBody
from ledger.core.sealing import sealed_members
from ledger.core.signature import SignatureEntry
from ledger.core.vault import Kept
from ledger.signing.provider_check import rests_on
from ledger.signing.tables import key_binding
from ledger.sources import tables as sources_tables
from ledger.sources.kinds import CollectionRun
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of, pos_of
from ledger.store.reading import VaultReader
from ledger.store.store import Store
from ledger.trace.background import background
from ledger.trace.batch import Occupations
from ledger.trace.beside import erased_of, file_of, papers_on, papers_over, vouching
from ledger.trace.gone import gone_records
from ledger.trace.key_life import ProvenKeyEvent, key_life, report_key
from ledger.trace.marking import marking
from ledger.trace.proven import ProvenEntry, ProvenLog
from ledger.trace.selection import Basis, BySearch, Chosen, Selection
from ledger.trace.signed import SignedOver
from ledger.trace.stamps import Stamps
from ledger.trace.windows import Why
from ledger.trace.witnessed import witnessed_by
from ledger.trust.kinds import LogBinding
from ledger.trust.tables import log_binding

_PAGE = 500
_NO_RUN = (1, 0)


class EvidenceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the selection: proven, with what the vault holds beside it.

    `erased`: the sealed members whose values an erasure took; `original` is None too where it took that.
    """

    entry: ProvenEntry
    body: RecordBody
    basis: Basis
    why: Why | None
    original: Kept | None
    sealed: tuple[Kept, ...]
    erased: tuple[str, ...] = ()


class EvidenceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A collection run, proven, and the leaf hashes of all its records, whether they are selected or not.

    `taken_up`: the first that is shown of its source, and not its first at all. Its chain continues runs that are not
    shown, so its records prove nothing here and no leaf hashes are given.
    """

    entry: ProvenEntry
    body: CollectionRun
    taken_up: bool
    leaf_hashes: tuple[bytes, ...]


class SignedPart(msgspec.Struct, frozen=True, kw_only=True):
    """Signatures and what verifies them: `bound` is this log's entry that holds the system log's `checkpoint`.

    `created` is the system log's entry 0; `entries` are its bindings of keys, its first start, and the signatures;
    with a signature by the identity provider's token also the provider's key sets, and what was said of the link. Then
    trust anchors, handwritten signatures, the site's letters, disposals and the rules that they rest on.
    """

    origin: str
    bound: ProvenEntry
    checkpoint: bytes
    created: ProvenEntry
    entries: tuple[ProvenEntry, ...]


class EvidenceSet:
    """What one evidence package is made of; valid while the snapshot it was opened in lasts."""

    def __init__(
        self, log: ProvenLog, kinds: KindRegistry, clock: WallClock, selection: Selection, verification: int | None
    ) -> None:
        self._log = log
        self._kinds = kinds
        self._vault = VaultReader(log.connection)
        self.stamps = Stamps(log.connection, kinds, log.log, log.origin, log.size)
        self._chosen = Chosen(log.connection, log.log, log.size, selection)
        self.gone = gone_records(log.connection, log.log, log.size, selection)
        self.selection = selection
        self.origin = log.origin
        self.size = log.size
        self.root = log.root
        self.checkpoint = log.note
        self.witnessed = witnessed_by(log.connection, kinds, log.origin, log.size, log.note)
        self.log_key = log.key
        self.created = log.created
        self.connection = log.connection
        self.gathered_us = clock.now_us()
        self.report_key, self.report_key_event = report_key(log, kinds)
        self.verification = None if verification is None else self._verification(verification)

    @property
    def occupations(self) -> Occupations:
        """The intervals by which records are derived to belong; none for a search."""
        return self._chosen.occupations

    @property
    def rules(self) -> tuple[int, ...]:
        """The entries of the rules by which those intervals have time before and after."""
        return tuple(sorted({one.rule for one in self.occupations.intervals if one.rule is not None}))

    @property
    def undated(self) -> int:
        """Records of occupied equipment that name no instant: whether they belong cannot be judged."""
        return self._chosen.undated

    def records(self) -> Iterator[EvidenceRecord]:
        """The selected records in index order. Raises IntegrityError, naming the entry, for one that does not hold."""
        for selected in self._chosen:
            entry = self._log.entry(selected.index)
            body = _record(entry)
            if not self._chosen.belongs(selected, body):
                raise IntegrityError(f"the search tables name entry {entry.index}, but its body says otherwise")
            gone = erased_of(self._log.connection, self._log.log, entry.index)
            named = sealed_members(body.record)
            yield EvidenceRecord(
                entry=entry,
                body=body,
                basis=selected.basis,
                why=selected.why,
                original=self._original(entry.index, body, gone),
                sealed=self._sealed(entry.index, named, gone),
                erased=tuple(member for at, (member, _) in enumerate(named) if (SEALED, at) in gone),
            )

    def source_ids(self) -> tuple[str, ...]:
        """The sources that could have given a record of the selection: the one asked for, or all registered ones."""
        if isinstance(self.selection, BySearch) and self.selection.query.source is not None:
            return (self.selection.query.source,)
        table = sources_tables.source.c
        keys = self._log.connection.scalars(
            select(table.key)
            .where(table.log == self._log.log, table.from_index < self.size)
            .distinct()
            .order_by(table.key)
        )
        return tuple(keys)

    def sources(self) -> Iterator[ProvenEntry]:
        """The registrations of those sources, each as it stood at the size read."""
        table = sources_tables.source.c
        wanted = self.source_ids()
        rows = self._log.connection.scalars(
            select(table.from_index)
            .where(
                table.log == self._log.log,
                table.key.in_(wanted),
                table.from_index < self.size,
                (table.to_index.is_(None)) | (table.to_index >= self.size),
            )
            .order_by(table.from_index)
        ).all()
        for index in rows:
            entry = self._log.entry(index)
            if entry.kind != "source":
                raise IntegrityError(f"the source table names entry {index}, which is of kind {entry.kind}")
            yield entry

    def background(self) -> Iterator[ProvenEntry]:
        """What stands behind those sources' records: their lives and imports, then first runs of live successors; and
        what marks the selected records.
        """
        yield from background(self._log, self._kinds, self.source_ids())
        yield from marking(self._log, self._kinds, (one.index for one in self._chosen))

    def key_life(self) -> Iterator[ProvenKeyEvent]:
        """What happened to this log's keys."""
        return key_life(self._log, self._kinds)

    def entry(self, index: int) -> ProvenEntry:
        """One entry of the log, proven."""
        return self._log.entry(index)

    def runs(self, covering: Mapping[str, tuple[int, int]]) -> Iterator[EvidenceRun]:
        """The unbroken runs of those sources that cover the selection, by index, each chain with the run before it.

        `covering` is the first and last selected record of each source. The runs reach from the one that looked first
        at the selection's beginning to the first that began after its end, so what the sources gave in between is all
        in them.
        """
        bounds = {source: self._run_bounds(source, covering.get(source)) for source in self.source_ids()}
        after = pos_of(self._log.log, 0) - 1
        table = sources_tables.collection_run.c
        while True:
            page = self._log.connection.execute(
                select(table.pos, table.source)
                .where(table.pos > after, table.pos < pos_of(self._log.log, self.size))
                .order_by(table.pos)
                .limit(_PAGE)
            ).all()
            for pos, source in page:
                first, last = bounds.get(source, _NO_RUN)
                if first <= index_of(pos) <= last:
                    yield self._run(index_of(pos), source, is_first=index_of(pos) == first)
            if len(page) < _PAGE:
                return
            after = page[-1].pos

    def _run_bounds(self, source: str, records: tuple[int, int] | None) -> tuple[int, int]:
        """The first and last run of a source to show."""
        newest = self._pick_run(source, newest=True)
        if newest is None:
            return _NO_RUN
        low_us, high_us = self._chosen.bounds_us()
        table = sources_tables.collection_run.c
        start, end = 0, newest
        if low_us is not None:
            begins = self._pick_run(source, table.ended_us >= low_us)
            if records is not None:
                begins = min(records[0], newest if begins is None else begins)
            if begins is None:
                start = newest
            else:
                start = self._pick_run(source, table.pos < pos_of(self._log.log, begins), newest=True) or 0
        if high_us is not None:
            ends = self._pick_run(source, table.started_us > high_us)
            holds = None if records is None else self._pick_run(source, table.pos > pos_of(self._log.log, records[1]))
            end = newest if ends is None else max(ends, holds or ends)
        return start, end

    def _pick_run(self, source: str, *conditions: ColumnElement[bool], newest: bool = False) -> int | None:
        table = sources_tables.collection_run.c
        pos = self._log.connection.scalar(
            select(table.pos)
            .where(
                table.source == source,
                table.pos >= pos_of(self._log.log, 0),
                table.pos < pos_of(self._log.log, self.size),
                *conditions,
            )
            .order_by(table.pos.desc() if newest else table.pos)
            .limit(1)
        )
        return None if pos is None else index_of(pos)

    def _run(self, index: int, source: str, is_first: bool) -> EvidenceRun:
        entry = self._log.entry(index)
        body = self._decode(entry, "collection-run")
        if not isinstance(body, CollectionRun) or body.source != source:
            raise IntegrityError(f"the table of runs names entry {index}, but its body says otherwise")
        hashes: tuple[bytes, ...] = ()
        taken_up = is_first and body.previous is not None
        if body.first is not None and not taken_up:
            hashes = tuple(self._log.leaf_hashes(body.first, body.first + body.records))
        return EvidenceRun(entry=entry, body=body, taken_up=taken_up, leaf_hashes=hashes)

    def signed(self) -> SignedOver:
        """Which signatures are over which records of this log."""
        return SignedOver(self._log.connection, self.origin, self.size)

    def set_leaves(self, members: Members) -> Iterator[bytes]:
        """The leaf hashes of a set of this log's entries, in their order."""
        return map(leaf_hash, self._log.reader.leaves(members))

    def papers(self) -> dict[int, set[int]]:
        """The records of this log that have a handwritten signature on file, each with its entries."""
        return papers_over(self._log.connection, self.origin)

    def signatures(self, wanted: Collection[int], papers: Collection[int] = ()) -> SignedPart | None:
        """These signatures with all that verifies them, proven under the system log's checkpoint that this log holds.

        `papers`: entries of handwritten ones on prints of records; those on prints of the signatures go with them, and
        the site's letters, and the disposals of what is gone of the selection. None where there are none. Raises
        NotFound where this log does not hold a checkpoint that covers them.
        """
        system = next(log for log in read_logs(self._log.connection) if log.number == SYSTEM_LOG)
        by_hand = papers_on(self._log.connection, {str(Address(system.origin, index)) for index in wanted})
        by_hand.update(papers)
        if not wanted and not by_hand and not self.gone.found:
            return None
        bound = self._log.entry(self._bound(system.origin, max((*wanted, *by_hand, *self.gone.entries))))
        body = self._decode(bound, "log-binding")
        if not isinstance(body, LogBinding) or body.origin != system.origin:
            raise IntegrityError(f"the table of bindings names entry {bound.index}, but its body says otherwise")
        log = ProvenLog(self._log.connection, system.number, system.origin, body.size)
        if b64(log.root) != body.root:
            raise IntegrityError(f"the system log is not the one that entry {bound.index} holds a checkpoint of")
        row = key_binding.c
        spans = self._log.connection.execute(select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG)).all()
        keys = {at for span in spans for at in span if at is not None and at < body.size}
        keys |= {one.entry.index for one in key_life(log, self._kinds)}
        keys |= by_hand | vouching(self._log.connection, body.size) | self.gone.entries
        signed = (self._signature(log.entry(index)) for index in sorted(wanted))
        keys |= {at for at in rests_on(self._log.connection, self._kinds, signed) if at < body.size}
        return SignedPart(
            origin=system.origin,
            bound=bound,
            checkpoint=body.checkpoint.encode(),
            created=log.created,
            entries=tuple(log.entry(index) for index in sorted({*keys, *wanted})),
        )

    def _signature(self, entry: ProvenEntry) -> SignatureEntry:
        body = self._decode(entry, "signature")
        if not isinstance(body, SignatureEntry):
            raise IntegrityError(f"the table of signatures names entry {entry.index}, but its body says otherwise")
        return body

    def _bound(self, origin: str, index: int) -> int:
        row = log_binding.c
        pos = self._log.connection.scalar(
            select(row.pos)
            .where(row.origin == origin, row.size > index)
            .where(row.pos >= pos_of(self._log.log, 0), row.pos < pos_of(self._log.log, self.size))
            .order_by(row.pos.desc())
            .limit(1)
        )
        if pos is None:
            raise NotFound(
                f"log {self.origin} holds no checkpoint of {origin} that covers signature {index}",
                advice="Wait for the next one and make the package again.",
            )
        return index_of(pos)

    def copy(self, index: int, commitment: str) -> Kept | None:
        """The file that an entry of the system log commits to; None where it was erased. Raises IntegrityError."""
        return file_of(self._log.connection, index, commitment)

    def _original(self, index: int, body: RecordBody, gone: set[tuple[str, int]]) -> Kept | None:
        kept = self._vault.original(self._log.log, index)
        if body.original is None:
            if kept is not None:
                raise IntegrityError(f"the vault holds an original that entry {index} does not name")
            return None
        if kept is None and (ORIGINAL, 0) in gone:
            return None
        if kept is None or b64(original_commitment(kept.salt, kept.value)) != body.original.commitment:
            raise IntegrityError(f"the original of entry {index} is missing or altered")
        return kept

    def _sealed(self, index: int, named: list[tuple[str, str]], gone: set[tuple[str, int]]) -> tuple[Kept, ...]:
        values = self._vault.sealed(self._log.log, index)
        held = [(kept.meta, b64(sealed_commitment(kept.salt, kept.value))) for kept in values]
        if sorted(held) != sorted(one for at, one in enumerate(named) if (SEALED, at) not in gone):
            raise IntegrityError(f"the sealed values of entry {index} are missing or altered")
        return values

    def _verification(self, index: int) -> ProvenEntry:
        entry = self._log.entry(index)
        if entry.kind != "verification":
            raise IntegrityError(f"entry {index} is of kind {entry.kind}, not the result of a verification")
        return entry

    def decode(self, entry: ProvenEntry) -> msgspec.Struct:
        """The body of an entry; raises SchemaViolation for one that this installation cannot read."""
        return self._kinds[entry.kind].decode(entry.body)

    def _decode(self, entry: ProvenEntry, kind: str) -> msgspec.Struct:
        if entry.kind != kind:
            raise IntegrityError(f"entry {entry.index} is of kind {entry.kind}, where {kind} is due")
        return self.decode(entry)


@contextmanager
def gather(store: Store, log: LogId, selection: Selection, *, verification: int | None = None) -> Iterator[EvidenceSet]:
    """Opens the evidence for a selection in one snapshot of a record log.

    `verification` is the index, in this log, of the verification result to show; None: the package says that none was
    at hand. Raises NotFound before the log's first checkpoint, IntegrityError where something does not hold.
    """
    with store.reading() as connection:
        yield EvidenceSet(
            ProvenLog(connection, log.number, log.origin), store.kinds, store.clock, selection, verification
        )


def _record(entry: ProvenEntry) -> RecordBody:
    if entry.kind != "record":
        raise IntegrityError(f"the search tables name entry {entry.index}, which is of kind {entry.kind}")
    body = RECORD.decode(entry.body)
    assert isinstance(body, RecordBody)
    return body
