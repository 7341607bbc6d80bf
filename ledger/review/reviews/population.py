"""What a review is of: its records as of a size, what was found about them, and the sample of the others."""

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from ledger.core.address import LogId
from ledger.core.clock import parse_utc
from ledger.core.errors import SchemaViolation
from ledger.core.hashing import b64
from ledger.core.members import Members
from ledger.core.parameters import ParameterName, Risk
from ledger.core.record import LinkKind
from ledger.core.review import Population, Reviewed, ReviewPlan, Stratum, drawn
from ledger.core.signature import MAX_SET
from ledger.findings.kinds import FINDING, RuleFinding
from ledger.findings.tables import rule_finding
from ledger.review.life.suppressions import Suppressing, suppressed
from ledger.review.reviews.carrying import carrying, uncarried
from ledger.sources.parameters import Parameters
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of
from ledger.store.store import Store
from ledger.trace.selection import ByBatch, Chosen

AT_ONCE: Final = 500


def members_of(connection: Connection, log: int, size: int, reviewed: Reviewed) -> Members:
    """The records of what is reviewed as of a size: of a batch also those that may belong to it.

    Raises SchemaViolation for more than can be reviewed at once.
    """
    found = Members.of(islice(_indices(connection, log, size, reviewed), MAX_SET + 1))
    if len(found) > MAX_SET:
        raise SchemaViolation(
            f"this is of more than {MAX_SET} records: so many cannot be one review",
            advice="Review a shorter period, or fewer sources at once.",
        )
    return found


def _indices(connection: Connection, log: int, size: int, reviewed: Reviewed) -> Iterator[int]:
    if reviewed.batch is not None:
        yield from (one.index for one in Chosen(connection, log, size, ByBatch(kind=LinkKind.BATCH, id=reviewed.batch)))
        return
    row = schema.record.c
    chosen = select(row.pos).where(
        row.pos >= pos_of(log, 0),
        row.pos < pos_of(log, size),
        row.at_us >= parse_utc(reviewed.from_at or ""),
        row.at_us < parse_utc(reviewed.to_at or ""),
    )
    if reviewed.sources:
        chosen = chosen.where(row.source.in_(reviewed.sources))
    yield from map(index_of, connection.scalars(chosen.order_by(row.pos).limit(MAX_SET + 1)))


class Flagged(NamedTuple):
    """A finding that stands, and the entry that says so."""

    entry: int
    finding: RuleFinding


def flagged(connection: Connection, log: int, size: int, members: Members) -> dict[str, Flagged]:
    """The findings that stand as of a size and rest on one of these records, by their keys."""
    if not members:
        return {}
    row = rule_finding.c
    # A finding stands behind all that it rests on: none that was entered before the first of these is about them.
    standing = select(row.from_index).where(
        row.log == log, row.stands == 1, as_of(rule_finding, size), row.from_index > members.first
    )
    stored = LogReader(connection, log).chosen(connection.scalars(standing.order_by(row.from_index)).all())
    found = (Flagged(one.index, body_of(one, FINDING, RuleFinding)) for one in stored)
    return {one.finding.key: one for one in found if any(entry in members for entry in one.finding.entries)}


def passed(
    connection: Connection, log: int, size: int, findings: Mapping[str, Flagged], at_us: int
) -> dict[str, Suppressing]:
    """Those of these findings that a suppression looks past at a moment, and by what."""
    named = {key: (one.finding.rule, one.finding.anchor) for key, one in findings.items()}
    found = suppressed(connection, log, size, at_us, list(named.values()))
    return {key: found[one] for key, one in named.items() if one in found}


def fixed(
    store: Store,
    connection: Connection,
    log: LogId,
    size: int,
    members: Members,
    plan: ReviewPlan,
    parameters: Parameters,
) -> Population:
    """The population with those of its records that somebody has to look at though no finding is to be judged on them:
    all that no validated rule could judge, and a sample of the others, drawn by a new seed.
    """
    seed, number = b64(secrets.token_bytes(32)), log.number
    found = flagged(connection, number, size, members)
    past = passed(connection, number, size, found, store.clock.now_us())
    unflagged = beside(members, (one for key, one in found.items() if key not in past))
    rules = carrying(store, connection, log, size)
    whole = uncarried(store, connection, parameters, log, size, rules, unflagged)
    strata, sample = draw(connection, number, size, unflagged, whole, plan, parameters, seed)
    return Population(
        size=size,
        root=b64(LogReader(connection, number).root(size)),
        records=len(members),
        members=members.text,
        seed=seed,
        strata=strata,
        sample=Members.of(sample).text or None,
        carried_by=rules,
        uncarried=Members.of(whole).text or None,
    )


def beside(members: Members, findings: Iterable[Flagged]) -> list[int]:
    """The records on which none of these findings rests."""
    named = {entry for one in findings for entry in one.finding.entries}
    return [index for index in members if index not in named]


def draw(
    connection: Connection,
    log: int,
    size: int,
    unflagged: Sequence[int],
    whole: Collection[int],
    plan: ReviewPlan,
    parameters: Parameters,
    seed: str,
) -> tuple[tuple[Stratum, ...], list[int]]:
    """All of `whole`, and of the others of each source and type as many as the plan says for its risk, as parameters
    had it then.
    """
    by_sort, whole = defaultdict[tuple[str, str], list[int]](list), frozenset(whole)
    latest_us = 0
    for index, source, type_, at_us in _rows(connection, log, unflagged):
        by_sort[source, type_].append(index)
        latest_us = max(latest_us, at_us)
    strata, sample = [], list[int]()
    for (source, type_), indices in sorted(by_sort.items()):
        found = parameters.at(connection, log, size, ParameterName.RISK, source, type_, latest_us)
        held = found.value if found is not None and isinstance(found.value, Risk) else None
        risk = None if held is None else held.criticality * held.vulnerability
        all_of = [index for index in indices if index in whole]
        chosen = all_of + drawn(seed, (index for index in indices if index not in whole), plan.depth(risk))
        strata.append(
            Stratum(
                source=source,
                type=type_,
                risk=risk,
                unflagged=len(indices),
                drawn=len(chosen),
                uncarried=len(all_of),
            )
        )
        sample += chosen
    return tuple(strata), sorted(sample)


def span_of(connection: Connection, log: int, members: Members) -> tuple[int, int] | None:
    """From when to before when (microseconds UTC) these records happened; None where none says when."""
    moments = [at_us for _, _, _, at_us in _rows(connection, log, members) if at_us]
    return (min(moments), max(moments) + 1) if moments else None


def by_source(connection: Connection, log: int, members: Members) -> Mapping[str, int]:
    """How many of these records are of which source."""
    counts = defaultdict[str, int](int)
    for _, source, _, _ in _rows(connection, log, members):
        counts[source] += 1
    return counts


def _rows(connection: Connection, log: int, indices: Iterable[int]) -> Iterator[tuple[int, str, str, int]]:
    """Entry, source, type and moment (0: it says none) of each of these records."""
    row, wanted = schema.record.c, iter(indices)
    while some := list(islice(wanted, AT_ONCE)):
        chosen = select(row.pos, row.source, row.object_type, func.coalesce(row.at_us, 0)).where(
            row.pos.in_([pos_of(log, index) for index in some])
        )
        for pos, source, type_, at_us in connection.execute(chosen.order_by(row.pos)):
            yield index_of(pos), source, type_, at_us
