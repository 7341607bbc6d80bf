"""The life of sources: validated on a sample, changed, suspended, decommissioned; who said so, and why."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.authority import Authority
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation, SelfApproval
from ledger.core.hashing import b64
from ledger.core.kinds import RECORD
from ledger.core.record import RecordBody
from ledger.core.run import SourceFacts
from ledger.sources import tables
from ledger.sources.life_kinds import Account, Format, LifeEvent, LifeState, SourceLife
from ledger.store import schema
from ledger.store.append import Batch, Transaction
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

CLOSED: Final = frozenset({LifeState.SUSPENDED, LifeState.DECOMMISSIONED})
"""States in which no run of a source is taken."""
_ENDED: Final = frozenset({LifeState.DECOMMISSIONED})
_facts = msgspec.json.Decoder(SourceFacts)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a source stands, since which entry (None: it was only connected), and what it said of itself last."""

    state: LifeState
    entry: int | None
    facts: SourceFacts | None


def standing(connection: Connection, log: int, source: str) -> Standing:
    """Where a source stands now."""
    row = tables.source_life.c
    found = connection.execute(
        select(row.state, row.from_index, row.facts).where(row.log == log, row.key == source, row.to_index.is_(None))
    ).one_or_none()
    if found is None:
        return Standing(state=LifeState.CONNECTED, entry=None, facts=None)
    facts = None if found.facts is None else _facts.decode(found.facts)
    return Standing(state=LifeState(found.state), entry=found.from_index, facts=facts)


def told_by_run(now: Standing, source: str, facts: SourceFacts, authority: Authority) -> SourceLife | None:
    """The entry that a run's facts call for: the source told something for the first time, or is not what it was.

    A fact that this run could not read stands as it was told last: that it was not read is no change of the source.
    """
    known = now.facts or SourceFacts()
    told = {name: value for name in SourceFacts.__struct_fields__ if (value := getattr(facts, name)) is not None}
    facts = msgspec.structs.replace(known, **told)
    if facts == now.facts:
        return None
    changed = any(getattr(known, name) not in (None, value) for name, value in told.items())
    state = now.state
    if changed and state in (LifeState.CONNECTED, LifeState.VALIDATED):
        state = LifeState.REVALIDATE
    return SourceLife(
        source=source,
        event=LifeEvent.CHANGED if changed else LifeEvent.IDENTIFIED,
        state=state,
        reason=", ".join(_differences(known, facts)),
        authority=authority,
        facts=facts,
    )


def reconfigured(now: Standing, source: str, authority: Authority) -> SourceLife | None:
    """The entry that a change of a validated source's configuration or mapping calls for."""
    if now.state is not LifeState.VALIDATED:
        return None
    return SourceLife(
        source=source,
        event=LifeEvent.RECONFIGURED,
        state=LifeState.REVALIDATE,
        reason="its configuration or mapping was changed",
        authority=authority,
        facts=now.facts,
    )


class Lives:
    """What people decide about the sources of one log."""

    def __init__(self, store: Store, log: int) -> None:
        self._store = store
        self._log = log

    def standing(self, source: str) -> Standing:
        """Where a source stands; raises NotFound if it is not registered."""
        with self._store.reading() as connection:
            self._require(connection, source)
            return standing(connection, self._log, source)

    def history(self, source: str) -> list[tuple[int, SourceLife]]:
        """All that happened to a source, oldest first, with its entries."""
        row = tables.source_life.c
        with self._store.reading() as connection:
            self._require(connection, source)
            found = connection.scalars(
                select(row.from_index).where(row.log == self._log, row.key == source).order_by(row.from_index)
            ).all()
            return [(index, self._read(connection, index)) for index in found]

    def validate(self, source: str, sample: Iterable[int], reason: str, authority: Authority) -> int:
        """A person looked at these records and found them right; returns the entry's index.

        Raises SchemaViolation if one of them is no record of the source, Conflict if it is decommissioned.
        """
        chosen = tuple(sorted(set(sample)))
        if not chosen:
            raise SchemaViolation("a source is validated on a sample", advice="Name the entries that were looked at.")
        with self._store.reading() as connection:
            reader = LogReader(connection, self._log)
            for index in chosen:
                stored = reader.entry(index)
                if stored.body is None or decode_leaf(stored.leaf).kind != RECORD.name:
                    raise SchemaViolation(f"entry {index} is no record", advice="See `trailseal search`.")
                body = RECORD.decode(stored.body)
                if not isinstance(body, RecordBody) or body.record.source != source:
                    raise SchemaViolation(f"entry {index} is no record of source {source!r}")
        return self._decide(source, LifeEvent.VALIDATED, LifeState.VALIDATED, reason, authority, sample=chosen)

    def suspend(self, source: str, reason: str, authority: Authority) -> int:
        """From here on no run of the source is taken, until it is resumed."""
        return self._decide(source, LifeEvent.SUSPENDED, LifeState.SUSPENDED, reason, authority, unless=CLOSED)

    def resume(self, source: str, reason: str, authority: Authority) -> int:
        """Runs are taken again; the source is to be validated anew. Raises Conflict if it is not suspended."""
        others = frozenset(LifeState) - {LifeState.SUSPENDED}
        return self._decide(source, LifeEvent.RESUMED, LifeState.REVALIDATE, reason, authority, unless=others)

    def close(self, source: str, reason: str, authority: Authority, at_source: int | None = None) -> int:
        """Draws up the final account of a source, for somebody else to confirm; runs are still taken.

        `at_source`: how many records the source itself counts, where a person could count them.
        """
        with self._store.reading() as connection:
            account = self._account(connection, source, at_source)
        return self._decide(source, LifeEvent.CLOSING, LifeState.CLOSING, reason, authority, account=account)

    def decommission(self, source: str, reason: str, authority: Authority) -> int:
        """Ends a source for good, by the account that somebody else drew up; its records stay searchable.

        Raises SelfApproval for whoever drew it up, Conflict if there is none, or if the source has given more since.
        """
        with self._store.reading() as connection:
            now = standing(connection, self._log, source)
            if now.state is not LifeState.CLOSING or now.entry is None:
                raise Conflict(
                    f"no final account of source {source!r} waits to be confirmed",
                    advice="Draw it up first: `trailseal source close`.",
                )
            drawn = self._read(connection, now.entry)
            if drawn.authority.actor == authority.actor:
                raise SelfApproval(
                    f"{authority.actor} drew up the account of source {source!r}",
                    advice="Somebody else must confirm it.",
                )
            assert drawn.account is not None, "closing holds the account"
            account = self._account(connection, source, drawn.account.at_source)
        if account != drawn.account:
            raise Conflict(
                f"source {source!r} has given more since its account was drawn up",
                advice="Stop its collection, and draw it up again.",
            )
        return self._decide(
            source, LifeEvent.DECOMMISSIONED, LifeState.DECOMMISSIONED, reason, authority, account=account
        )

    def _decide(
        self,
        source: str,
        event: LifeEvent,
        state: LifeState,
        reason: str,
        authority: Authority,
        *,
        sample: tuple[int, ...] = (),
        account: Account | None = None,
        unless: frozenset[LifeState] = _ENDED,
    ) -> int:
        with self._store.reading() as connection:
            self._require(connection, source)
            now = standing(connection, self._log, source)
        if now.state in unless | _ENDED:
            raise Conflict(f"source {source!r} is {now.state.value}", advice="See `trailseal source life`.")
        life = SourceLife(
            source=source,
            event=event,
            state=state,
            reason=reason,
            authority=authority,
            sample=sample,
            facts=now.facts,
            account=account,
        )

        def check(transaction: Transaction) -> None:
            key = ("life", source)
            if key in transaction.scratch or standing(transaction.connection, self._log, source) != now:
                raise Conflict(f"source {source!r} was just changed", advice="Look, and try again.")
            transaction.scratch[key] = msgspec.structs.replace(now, state=state)

        return self._store.append(self._log, Batch([draft(life)], before=check))[0].index

    def _account(self, connection: Connection, source: str, at_source: int | None) -> Account:
        configured = self._require(connection, source)
        run = tables.collection_run.c
        span = (run.source == source, run.pos >= pos_of(self._log, 0), run.pos < pos_of(self._log + 1, 0))
        sums = connection.execute(
            select(
                func.count(), func.min(run.pos), func.max(run.pos), func.sum(run.records), func.sum(run.quarantined),
                func.sum(run.gaps), func.sum(run.unreachable),
            ).where(*span)
        ).one()  # fmt: skip
        runs, first, last, records, quarantined, gaps, unreachable = sums
        chain = None if last is None else connection.scalar(select(run.chain).where(run.pos == last))
        mapping = tables.mapping.c
        mapped = connection.scalar(
            select(mapping.from_index).where(
                mapping.log == self._log, mapping.key == source, mapping.to_index.is_(None)
            )
        )
        return Account(
            records=records or 0,
            runs=runs,
            quarantined=quarantined or 0,
            gaps=gaps or 0,
            unreachable=unreachable or 0,
            first_run=None if first is None else index_of(first),
            last_run=None if last is None else index_of(last),
            chain=None if chain is None else b64(bytes(chain)),
            configured=configured,
            mapped=mapped,
            formats=self._formats(connection, source),
            at_source=at_source,
        )

    def _formats(self, connection: Connection, source: str) -> tuple[Format, ...]:
        row = schema.metadata.tables["record"].c
        reader = LogReader(connection, self._log)
        found: Counter[tuple[str, str, str]] = Counter()
        places = connection.scalars(
            select(row.pos)
            .where(row.source == source, row.pos >= pos_of(self._log, 0), row.pos < pos_of(self._log + 1, 0))
            .execution_options(yield_per=1000)
        )
        for pos in places:
            body = reader.entry(index_of(pos)).body
            record = None if body is None else RECORD.decode(body)
            if isinstance(record, RecordBody) and record.original is not None:
                kept = record.original
                found[kept.media_type, kept.parser, kept.parser_version] += 1
        return tuple(
            Format(media_type=media, parser=parser, parser_version=version, originals=count)
            for (media, parser, version), count in sorted(found.items())
        )

    def _require(self, connection: Connection, source: str) -> int:
        row = tables.source.c
        index: int | None = connection.scalar(
            select(row.from_index).where(row.log == self._log, row.key == source, row.to_index.is_(None))
        )
        if index is None:
            raise NotFound(f"no source {source!r} is registered", advice="See `trailseal source list`.")
        return index

    def _read(self, connection: Connection, index: int) -> SourceLife:
        body = LogReader(connection, self._log).entry(index).body
        if body is None:
            raise NotFound(f"entry {index} was disposed of")
        life = self._store.kinds["source-life"].decode(body)
        assert isinstance(life, SourceLife)
        return life


def _differences(before: SourceFacts, after: SourceFacts) -> Iterable[str]:
    for name in SourceFacts.__struct_fields__:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield f"{name} {was or 'not said'} → {now or 'not said'}"


def require_open(now: Standing, source: str) -> None:
    """Raises Conflict for a source of which no run is taken."""
    if now.state in CLOSED:
        raise Conflict(
            f"source {source!r} is {now.state.value}: no run of it is taken",
            advice="Resume it (`trailseal source resume`), or register a new one.",
        )
