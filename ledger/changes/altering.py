"""What a change that reaches back says otherwise of: findings and signatures over records that it is about, the batches
that records join or leave, and assessments of their days. All stays as it is; assessments get a successor once it is in
effect.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from ledger.changes.reading import keys_of
from ledger.changes.rehearsing import Moved, Occupied, Opens, rehearse
from ledger.core.address import Address, LogId
from ledger.core.change import ALWAYS, MAX_ALTERED, Altered, AlteredSort
from ledger.core.clock import parse_utc, utc_text
from ledger.core.parameters import ParameterName
from ledger.core.signature import SignatureEntry
from ledger.findings.kinds import Finding
from ledger.findings.tables import finding
from ledger.people.credentials import read_entry
from ledger.review.alcoa.blocks import Place
from ledger.review.alcoa.successors import Scope, of_asset, of_identity, of_parameter
from ledger.review.alcoa.tables import assessed
from ledger.review.known.days import day_text
from ledger.signing.sets import bodies_of
from ledger.signing.tables import SIGNATURE, set_run, signed_entry
from ledger.sources.map_kinds import AssetMapped, IdentityMapped
from ledger.sources.parameter_kinds import Parameter
from ledger.sources.tables import asset
from ledger.store import schema
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

_AT_ONCE: Final = 500


class Altering(NamedTuple):
    """Since when a change says otherwise (None: of nothing past), and of what: the first of it, and how much."""

    back_to: str | None = None
    altered: tuple[Altered, ...] = ()
    total: int = 0


class _Span(NamedTuple):
    """From a moment (None: ever) to before another (None: without end)."""

    since: int | None
    until: int | None

    def has(self, at_us: int) -> bool:
        return (self.since is None or self.since <= at_us) and (self.until is None or at_us < self.until)


class _About:
    """The records that bodies are about: of an account, of a tag, or of a source and type."""

    def __init__(self) -> None:
        self.since: list[int | None] = []
        self.scopes: list[Scope] = []
        self._accounts: dict[tuple[str, str], list[_Span]] = defaultdict(list)
        self._tags: dict[tuple[str, str], list[_Span]] = defaultdict(list)
        self._types: dict[tuple[str | None, str | None], list[_Span]] = defaultdict(list)

    def add(self, body: msgspec.Struct, until: int | None) -> None:
        """Takes a body; `until`: where what it corrects ended, if that is later than where it ends itself."""
        if isinstance(body, IdentityMapped):
            since = parse_utc(body.valid_from)
            self._accounts[body.source, body.account].append(_Span(since, until))
            self.scopes.append(of_identity(0, since, until))
        elif isinstance(body, AssetMapped):
            since = parse_utc(body.valid_from)
            self._tags[body.source, body.tag].append(_Span(since, until))
            self.scopes.append(of_asset(0, since))
        elif isinstance(body, Parameter):
            applies = None if body.applies_from is None else parse_utc(body.applies_from)
            self._types[body.source, body.type].append(_Span(applies, None))
            self.scopes.append(of_parameter(0, body.source, applies))
            self.since.append(applies)
            return
        else:
            return
        self.since.append(since)

    def has(self, source: str, actor: str | None, kind: str, thing: str, at_us: int) -> bool:
        """Whether a record is one of them."""
        spans = [*self._tags.get((source, thing), ())]
        if actor is not None:
            spans += self._accounts.get((source, actor), ())
        for named in ((source, kind), (source, None), (None, kind), (None, None)):
            spans += self._types.get(named, ())
        return any(span.has(at_us) for span in spans)


def altering(
    store: Store, connection: Connection, log: LogId, bodies: Sequence[msgspec.Struct], now_us: int, opens: Opens
) -> Altering:
    """What these bodies would say otherwise of, were they entered now, as of this snapshot.

    Assessments and batches are judged again with them, as far as that is little work (`rehearsing`): what comes out as
    it was is not listed.
    """
    about = _About()
    live = store.projections.read_live(connection)
    for body in bodies:
        about.add(body, _until(connection, log, body, keys_of(live, log.number, body)))
    past = [since for since in about.since if since is None or since < now_us]
    if not past:
        return Altering()
    blocks = dict(_assessments(connection, log, about))
    tried = rehearse(store, connection, log, bodies, list(blocks), _occupied(connection, log, bodies), opens)
    found = [
        *_findings(store, connection, log, about),
        *_signatures(store, connection, log, about),
        *(_membership(log, one) for one in tried.moved),
        *(
            msgspec.structs.replace(one, certain=place in tried.judged)
            for place, one in blocks.items()
            if tried.judged.get(place, True)
        ),
    ]
    first = ALWAYS if None in past else utc_text(min(since for since in past if since is not None))
    return Altering(back_to=first, altered=tuple(found[:MAX_ALTERED]), total=len(found))


def _until(connection: Connection, log: LogId, body: msgspec.Struct, keys: Sequence[tuple[str, str]]) -> int | None:
    """Where a line of a map ends: with that of the one that it corrects, if that is later (None: nowhere)."""
    if not isinstance(body, IdentityMapped | AssetMapped) or body.valid_to is None:
        return None
    until = parse_utc(body.valid_to)
    for name, key in keys:
        row = schema.metadata.tables[name].c
        held = connection.execute(
            select(row.to_us).where(row.log == log.number, row.key == key, row.to_index.is_(None))
        ).one_or_none()
        if held is not None:
            return None if held.to_us is None else max(until, held.to_us)
    return until


def _findings(store: Store, connection: Connection, log: LogId, about: _About) -> Iterator[Altered]:
    row = finding.c
    chosen = select(row.pos).where(row.pos >= pos_of(log.number, 0), row.pos < pos_of(log.number + 1, 0))
    indices = [index_of(pos) for pos in connection.scalars(chosen.order_by(row.pos))]
    bodies = dict(bodies_of(store, LogReader(connection, log.number), indices))
    sorts = {index: body.sort for index, body in bodies.items() if isinstance(body, Finding)}
    named = ((entry, index) for index, body in bodies.items() if isinstance(body, Finding) for entry in body.entries)
    for index in sorted(_resting(connection, log, about, named)):
        yield Altered(sort=AlteredSort.FINDING, id=sorts[index].value, at=str(Address(log.origin, index)))


def _signatures(store: Store, connection: Connection, log: LogId, about: _About) -> Iterator[Altered]:
    system = next(one for one in read_logs(connection) if one.number == SYSTEM_LOG)
    for pos in sorted(_resting(connection, log, about, _signed(connection, log))):
        index = index_of(pos)
        said = read_entry(store, connection, index, SignatureEntry)[0].statement
        name = f"{said.signer.account}: {said.meaning.code}"
        yield Altered(sort=AlteredSort.SIGNATURE, id=name, at=str(Address(system.origin, index)))


def _signed(connection: Connection, log: LogId) -> Iterator[tuple[int, int]]:
    """Entries of a log that were signed, each with the place of a signature over it."""
    one, run = signed_entry.c, set_run.c
    for target, pos in connection.execute(select(one.target, one.pos).where(one.origin == log.origin)):
        yield target, pos
    sets = select(run.low, run.high, run.pos).where(run.origin == log.origin, run.sort == SIGNATURE)
    for low, high, pos in connection.execute(sets):
        for target in range(low, high + 1):
            yield target, pos


def _occupied(connection: Connection, log: LogId, bodies: Sequence[msgspec.Struct]) -> Iterator[Occupied]:
    """The equipment whose batches bodies say otherwise of: by its tags, or by the rule of its class."""
    row = asset.c
    held = (
        select(row.equipment)
        .distinct()
        .where(row.log == log.number, row.to_index.is_(None), row.equipment.is_not(None))
    )
    for body in bodies:
        if isinstance(body, AssetMapped):
            since = body.valid_from
            named = set(connection.scalars(held.where(row.source == body.source, row.tag == body.tag)))
            named |= {body.equipment} - {None}
        elif isinstance(body, Parameter) and body.name is ParameterName.OCCUPATION:
            since = body.applies_from or ALWAYS
            named = set(connection.scalars(held if body.type is None else held.where(row.asset_class == body.type)))
        else:
            continue
        yield from (Occupied(one, None if since == ALWAYS else parse_utc(since)) for one in sorted(named))


def _membership(log: LogId, one: Moved) -> Altered:
    return Altered(
        sort=AlteredSort.MEMBERSHIP,
        id=one.batch,
        at=str(Address(log.origin, one.entry)),
        certain=one.joined is not None,
        joined=one.joined or 0,
        left=one.left or 0,
    )


def _assessments(connection: Connection, log: LogId, about: _About) -> Iterator[tuple[Place, Altered]]:
    """The newest assessment of each block that the change can alter."""
    row = assessed.c
    newest = (
        select(row.source, row.day, func.max(row.pos))
        .where(row.pos >= pos_of(log.number, 0), row.pos < pos_of(log.number + 1, 0))
        .group_by(row.source, row.day)
        .order_by(row.source, row.day)
    )
    scopes = set(about.scopes)
    for source, day, pos in connection.execute(newest):
        if any(scope.has(Place(source, day)) for scope in scopes):
            at = str(Address(log.origin, index_of(pos)))
            yield Place(source, day), Altered(sort=AlteredSort.ASSESSMENT, id=f"{source} {day_text(day)}", at=at)


def _resting(connection: Connection, log: LogId, about: _About, named: Iterable[tuple[int, int]]) -> set[int]:
    """Of what names entries of a log, each given beside one that it names, what names a record that it is about."""
    row, source_of = schema.record.c, iter(named)
    found: set[int] = set()
    while pairs := list(islice(source_of, _AT_ONCE)):
        holders: dict[int, set[int]] = defaultdict(set)
        for entry, holder in pairs:
            holders[pos_of(log.number, entry)].add(holder)
        columns = (row.pos, row.source, row.actor, row.object_type, row.object_id, row.at_us, row.received_us)
        for pos, source, actor, kind, thing, at_us, received in connection.execute(
            select(*columns).where(row.pos.in_(list(holders)))
        ):
            if about.has(source, actor, kind, thing, received if at_us is None else at_us):
                found |= holders[pos]
    return found
