"""Imports of old audit trails: begun, read back and reconciled, stated to be a true copy by somebody else."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation, SelfApproval
from ledger.core.hashing import b64, unb64
from ledger.core.kinds import RECORD
from ledger.core.record import RecordBody
from ledger.core.source import ARCHIVE
from ledger.sources import tables
from ledger.sources.import_kinds import (
    Expected,
    Explained,
    ImportedFile,
    ImportEvent,
    ImportState,
    Outcome,
    SourceImport,
    TrueCopy,
)
from ledger.sources.import_outcome import ReadBack
from ledger.sources.import_statement import check_explained, statement_text
from ledger.sources.import_tally import RECONFIGURED, UNENDED
from ledger.store.append import Batch, Transaction
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

_ADVICE: Final = "See `trailseal imports list`."


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An import as it stands: the entry that says so, what was said last of the import itself, and the statement."""

    entry: int
    state: ImportState
    last: SourceImport
    true_copy: TrueCopy | None = None


def running(connection: Connection, log: int, source: str) -> str | None:
    """The import of that source that has begun and not ended."""
    row = tables.source_import.c
    found: str | None = connection.scalar(
        select(row.key).where(
            row.log == log, row.source == source, row.to_index.is_(None), row.state == ImportState.RUNNING.value
        )
    )
    return found


def archives(connection: Connection, log: int) -> frozenset[str]:
    """The sources of a log whose records were imported."""
    row = tables.source.c
    found = connection.scalars(select(row.key).where(row.log == log, row.type == ARCHIVE, row.to_index.is_(None)))
    return frozenset(found)


def require_running(transaction: Transaction, log: int, source: str) -> None:
    """Raises Conflict for a run of an archive that belongs to no import."""
    noted = transaction.scratch.get(("import", source))
    if noted is None:
        noted = running(transaction.connection, log, source) is not None
    if not noted:
        raise Conflict(
            f"source {source!r} is an archive, and no import of it is running",
            advice="Its records come by `trailseal import` alone.",
        )


def import_id(source: str, digest: bytes) -> str:
    """The import of that file into that source."""
    return f"{source[:480]}/{digest.hex()[:16]}"


class Imports:
    """The imports of one log."""

    def __init__(self, store: Store, log: int) -> None:
        self._store = store
        self._log = log

    def begin(
        self,
        source: str,
        file: ImportedFile,
        mapping: str,
        expected: Expected,
        reason: str,
        authority: Authority,
        continues_in: str | None = None,
        live_from: str | None = None,
    ) -> Known:
        """Begins the import of a file, or goes on with the one that was begun and stopped; durable.

        Raises Conflict where another file of the source is being imported, where this one is a true copy already, or
        where it was begun with other figures; NotFound for an unknown source, SchemaViolation for a live one.
        """
        key = import_id(source, unb64(file.sha256, 32))
        with self._store.reading() as connection:
            configured, mapped = self._configured(connection, source)
            if continues_in is not None:
                self._configured(connection, continues_in, archive=False)
            busy = running(connection, self._log, source)
            known = self._known(connection, key)
        if busy is not None and busy != key:
            raise Conflict(
                f"import {busy} of source {source!r} has not ended",
                advice="Give its file again to go on with it, or end it as it is: `trailseal imports end`.",
            )
        body = SourceImport(
            id=key,
            source=source,
            event=ImportEvent.BEGUN,
            state=ImportState.RUNNING,
            file=file,
            configured=configured,
            mapped=mapped,
            mapping=mapping,
            expected=expected,
            continues_in=continues_in,
            live_from=live_from,
            reason=reason,
            authority=authority,
        )
        if known is not None and known.state is ImportState.TRUE_COPY:
            raise Conflict(f"import {key} is a true copy already", advice="There is nothing left to import.")
        if known is not None and known.state is ImportState.RUNNING:
            same = ("expected", "continues_in", "live_from", "configured", "mapped")
            if unlike := [name for name in same if getattr(known.last, name) != getattr(body, name)]:
                raise Conflict(
                    f"import {key} was begun with another value of {unlike[0]}",
                    advice="Go on with what it was begun with, or end it as it is: `trailseal imports end`.",
                )
            return known
        index = self._append(body, source, None if known is None else known.entry)
        return Known(entry=index, state=body.state, last=body)

    def finish(self, key: str, reason: str, authority: Authority, *, ended: bool = True) -> Known:
        """Ends an import: reads back what the ledger holds of it, and says what is other than expected; durable.

        `ended` false: its file was not read to the end. Raises Conflict if it is not running.
        """
        with self._store.reading() as connection:
            known = self._require(connection, key)
            if known.state is not ImportState.RUNNING:
                raise Conflict(f"import {key} is {known.state.value}", advice=_ADVICE)
            configured = self._configured(connection, known.last.source)
            changed = configured != (known.last.configured, known.last.mapped)
            back = ReadBack(connection, self._store.kinds, self._log)
            outcome = back.outcome(known.last, known.entry, ended=ended, changed=changed)
        body = msgspec.structs.replace(
            known.last,
            event=ImportEvent.FINISHED,
            state=ImportState.OPEN if outcome.differences else ImportState.RECONCILED,
            reason=reason,
            authority=authority,
            begun=known.entry,
            outcome=outcome,
        )
        index = self._append(body, body.source, known.entry, last_run=outcome.last_run)
        return Known(entry=index, state=body.state, last=body)

    def state_true_copy(
        self,
        key: str,
        sample: Iterable[int],
        explained: Mapping[str, str],
        reason: str,
        authority: Authority,
        compared: bytes | None = None,
    ) -> Known:
        """States that an import is a true copy; durable.

        `compared` is the SHA-256 of the file that the person has. Raises SelfApproval for whoever imported it, Conflict
        if it has not ended, or the person's file is another, SchemaViolation for a difference that is not explained or
        a sample that holds no record of the source.
        """
        chosen = tuple(sorted(set(sample)))
        with self._store.reading() as connection:
            known = self._require(connection, key)
            body, outcome = known.last, known.last.outcome
            if outcome is None or known.state not in (ImportState.OPEN, ImportState.RECONCILED):
                raise Conflict(f"import {key} is {known.state.value}", advice="Only one that ended can be stated of.")
            begun = self._body(connection, body.begun if body.begun is not None else known.entry)
            if authority.actor in (body.authority.actor, begun.authority.actor):
                raise SelfApproval(f"{authority.actor} imported {key}", advice="Somebody else must state it.")
            if compared is not None and b64(compared) != body.file.sha256:
                raise Conflict(
                    f"the file at hand is not the one of import {key}: its SHA-256 is {compared.hex()}",
                    advice="Find out which of the two is the old system's.",
                )
            check_explained(outcome, explained)
            self._check_sample(connection, body.source, chosen)
        kept = tuple(Explained(what=one.what, why=explained[one.what]) for one in outcome.differences)
        stated = TrueCopy(
            id=key,
            source=body.source,
            finished=known.entry,
            file=body.file,
            counts=outcome.counts,
            mapped=body.mapped,
            mapping=body.mapping,
            meaning="true copy",
            statement=statement_text(body, outcome, kept, chosen),
            sample=chosen,
            compared=compared is not None,
            explained=kept,
            reason=reason,
            authority=authority,
        )
        index = self._append(stated, body.source, known.entry)
        return Known(entry=index, state=ImportState.TRUE_COPY, last=body, true_copy=stated)

    def recount(self, key: str) -> Outcome:
        """Reads back once more what the ledger holds of an import that ended, for comparison with what its entry says.

        Raises Conflict if it has not ended.
        """
        with self._store.reading() as connection:
            known = self._require(connection, key)
            told = known.last.outcome
            if told is None or known.last.begun is None:
                raise Conflict(f"import {key} has not ended", advice=_ADVICE)
            ended = all(one.what != UNENDED for one in told.differences)
            changed = any(one.what == RECONFIGURED for one in told.differences)
            back = ReadBack(connection, self._store.kinds, self._log)
            return back.outcome(known.last, known.last.begun, ended=ended, changed=changed, last=told.last_run)

    def get(self, key: str) -> Known:
        """An import as it stands; raises NotFound."""
        with self._store.reading() as connection:
            return self._require(connection, key)

    def list(self, source: str | None = None, after: str | None = None, limit: int | None = None) -> list[Known]:
        """All imports, or those of a source, by id; at most `limit` whose id is behind `after`."""
        row = tables.source_import.c
        wanted = select(row.key).where(row.log == self._log, row.to_index.is_(None)).order_by(row.key).limit(limit)
        if source is not None:
            wanted = wanted.where(row.source == source)
        if after is not None:
            wanted = wanted.where(row.key > after)
        with self._store.reading() as connection:
            return [self._require(connection, key) for key in connection.scalars(wanted).all()]

    def _append(self, body: SourceImport | TrueCopy, source: str, known: int | None, last_run: int | None = -1) -> int:
        """Appends what is said of an import, unless it was said otherwise meanwhile. `last_run` -1: it is no matter."""
        try:
            checked = msgspec.convert(msgspec.to_builtins(body), type(body))
        except msgspec.ValidationError as error:
            raise SchemaViolation(f"import {body.id}: {error}", advice="Correct what is named.") from None

        def check(transaction: Transaction) -> None:
            key = ("import", source)
            now = self._entry(transaction.connection, body.id)
            busy = running(transaction.connection, self._log, source)
            last = transaction.scratch.get(("last-run", source))
            moved = last is not None or (
                last_run != -1 and _last_run(transaction.connection, self._log, source, known) != last_run
            )
            begins = isinstance(body, SourceImport) and body.event is ImportEvent.BEGUN
            if key in transaction.scratch or now != known or (begins and busy) or (last_run != -1 and moved):
                raise Conflict(f"import {body.id} was just changed", advice="Look, and try again.")
            transaction.scratch[key] = begins

        return self._store.append(self._log, Batch([draft(checked)], before=check))[0].index

    def _check_sample(self, connection: Connection, source: str, sample: tuple[int, ...]) -> None:
        if not sample:
            raise SchemaViolation(
                "a true copy is stated on a sample", advice="Name records that were held against the old system."
            )
        reader = LogReader(connection, self._log)
        for index in sample:
            stored = reader.entry(index)
            body = None
            if stored.body is not None and decode_leaf(stored.leaf).kind == RECORD.name:
                body = RECORD.decode(stored.body)
            if not isinstance(body, RecordBody) or body.record.source != source:
                raise SchemaViolation(f"entry {index} is no record of source {source!r}")

    def _configured(self, connection: Connection, source: str, *, archive: bool = True) -> tuple[int, int | None]:
        """The entries that configure a source and its mapping now."""
        row, mapping = tables.source.c, tables.mapping.c
        found = connection.execute(
            select(row.from_index, row.type).where(row.log == self._log, row.key == source, row.to_index.is_(None))
        ).one_or_none()
        if found is None:
            raise NotFound(f"no source {source!r} is registered", advice="See `trailseal source list`.")
        if (found.type == ARCHIVE) != archive:
            raise SchemaViolation(
                f"source {source!r} is of type {found.type}",
                advice="What was imported and what is collected live are sources of their own.",
            )
        mapped: int | None = connection.scalar(
            select(mapping.from_index).where(
                mapping.log == self._log, mapping.key == source, mapping.to_index.is_(None)
            )
        )
        return found.from_index, mapped

    def _entry(self, connection: Connection, key: str) -> int | None:
        row = tables.source_import.c
        found: int | None = connection.scalar(
            select(row.from_index).where(row.log == self._log, row.key == key, row.to_index.is_(None))
        )
        return found

    def _require(self, connection: Connection, key: str) -> Known:
        known = self._known(connection, key)
        if known is None:
            raise NotFound(f"there is no import {key!r}", advice=_ADVICE)
        return known

    def _known(self, connection: Connection, key: str) -> Known | None:
        index = self._entry(connection, key)
        if index is None:
            return None
        stored = LogReader(connection, self._log).entry(index)
        kind = decode_leaf(stored.leaf).kind
        body = self._store.kinds[kind].decode(stored.body or b"")
        if isinstance(body, TrueCopy):
            last = self._body(connection, body.finished)
            return Known(entry=index, state=ImportState.TRUE_COPY, last=last, true_copy=body)
        assert isinstance(body, SourceImport)
        return Known(entry=index, state=body.state, last=body)

    def _body(self, connection: Connection, index: int) -> SourceImport:
        body = self._store.kinds["import"].decode(LogReader(connection, self._log).entry(index).body or b"")
        assert isinstance(body, SourceImport)
        return body


def _last_run(connection: Connection, log: int, source: str, after: int | None) -> int | None:
    row = tables.collection_run.c
    found: int | None = connection.scalar(
        select(row.pos)
        .where(row.source == source, row.pos > pos_of(log, after or 0), row.pos < pos_of(log + 1, 0))
        .order_by(row.pos.desc())
        .limit(1)
    )
    return None if found is None else index_of(found)
