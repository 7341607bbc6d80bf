"""What a review comes to once nothing in it is open."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.clock import parse_utc
from ledger.core.disposition import Judgement
from ledger.core.errors import Conflict
from ledger.core.members import Members
from ledger.core.review import Outcome, Reviewed, SystemSaid, SystemState
from ledger.review.exceptions.reading import RunListed, runs
from ledger.review.life.suppressions import Suppressing
from ledger.review.reviews.carrying import carrying, uncarried
from ledger.review.reviews.deferrals import Deferred, in_force
from ledger.review.reviews.dispositions import Disposed, judged
from ledger.review.reviews.looking import examined, unknown_times
from ledger.review.reviews.planning import KnownList, list_for
from ledger.review.reviews.population import Flagged, beside, by_source, flagged, members_of, passed, span_of
from ledger.review.reviews.reading import KnownReview
from ledger.review.reviews.systems import contributed
from ledger.sources.parameters import Parameters
from ledger.store.reading import LogReader
from ledger.store.store import Store

NAMED: Final = 5
"""Findings, records or systems that a refusal names."""


class _Decided(NamedTuple):
    """What was decided of the findings that stand on the records of a review."""

    findings: Mapping[str, Flagged]
    judged: Mapping[str, Disposed]
    deferred: Mapping[str, Deferred]
    passed: Mapping[str, Suppressing]

    @property
    def open(self) -> list[str]:
        """Findings that nobody decided of."""
        return [
            key for key in self.findings if not any(key in one for one in (self.judged, self.deferred, self.passed))
        ]

    def count(self, judgement: Judgement) -> int:
        return sum(1 for one in self.judged.values() if one.disposition.judgement is judgement)


def outcome_of(
    store: Store, connection: Connection, parameters: Parameters, log: LogId, known: KnownReview, members: Members
) -> Outcome:
    """What a review comes to as of now; raises Conflict, naming what is open."""
    number = log.number
    size = LogReader(connection, number).head().size
    decided = _decided(store, connection, log, size, known, members)
    counts = by_source(connection, number, members)
    wanted = None if known.reviewed.batch is None else list_for(connection, number, size, known.plan.product)
    systems = _systems(store, connection, number, size, known, counts, wanted)
    run = _require_done(connection, number, size, known, members, decided, systems)
    rules = carrying(store, connection, log, size)
    looked = (one for key, one in decided.findings.items() if key in decided.judged or key in decided.deferred)
    whole = uncarried(store, connection, parameters, log, size, rules, beside(members, looked))
    _require_looked(known, whole)
    span = _span(connection, number, known.reviewed, members)
    sources = {*counts, *(one.source for one in systems if one.source is not None)}
    return Outcome(
        size=size,
        rule_run=run.entry,
        watermarks=run.run.watermarks,
        rules=examined(connection, store.kinds, parameters, number, size, members),
        validated=tuple(one.rule for one in rules),
        findings=len(decided.findings),
        confirmed=decided.count(Judgement.CONFIRMED),
        dismissed=decided.count(Judgement.DISMISSED),
        explained=decided.count(Judgement.EXPLAINED),
        deferred=len(decided.deferred),
        suppressed=len(decided.passed),
        misses=tuple(one.entry for one in known.misses),
        systems=systems,
        list_entry=None if wanted is None else wanted.entry,
        unknown=()
        if span is None
        else tuple(unknown_times(connection, store.kinds, number, size, sorted(sources), span)),
        uncarried=len(whole),
    )


def _decided(
    store: Store, connection: Connection, log: LogId, size: int, known: KnownReview, members: Members
) -> _Decided:
    number, now_us = log.number, store.clock.now_us()
    findings = flagged(connection, number, size, members)
    return _Decided(
        findings=findings,
        judged=judged(connection, number, findings, size),
        deferred=in_force(store, connection, log, findings, now_us, known.reviewed.batch),
        passed=passed(connection, number, size, findings, now_us),
    )


def _systems(
    store: Store,
    connection: Connection,
    log: int,
    size: int,
    known: KnownReview,
    counts: Mapping[str, int],
    wanted: KnownList | None,
) -> tuple[SystemSaid, ...]:
    if wanted is None:
        return ()
    return contributed(connection, store.kinds, log, size, wanted.list, counts, known.reasons)


def _require_done(
    connection: Connection,
    log: int,
    size: int,
    known: KnownReview,
    members: Members,
    decided: _Decided,
    systems: Iterable[SystemSaid],
) -> RunListed:
    """The last run of the rules, which looked at all of it; raises Conflict where anything is open."""
    run = next(iter(runs(connection, log, None, 1)), None)
    came = [entry for entry in members_of(connection, log, size, known.reviewed) if entry not in members]
    lacking = [one.system for one in systems if one.state is not SystemState.CONTRIBUTED and one.instead is None]
    for open_, what in (
        (came, f"{len(came)} records of it came since: open a review of all of them"),
        (run is None or run.run.size <= members.last, "the rules have not looked at all of it: run them"),
        (decided.open, f"{_some(decided.open)} of its findings nobody has judged or deferred"),
        (known.left, f"{_some(known.left)} of its sample nobody has looked at"),
        (lacking, f"{_some(lacking)} contributed nothing, and nobody has said why that is in order"),
    ):
        if open_:
            raise _open(what)
    assert run is not None
    return run


def _require_looked(known: KnownReview, whole: Iterable[int]) -> None:
    """Raises Conflict for a record that no rule carries and nobody looked at, such as where a rule was validated no
    longer once the sample was drawn.
    """
    sample = Members.read(known.population.sample or "")
    unseen = [entry for entry in whole if entry not in sample]
    if unseen:
        raise _open(
            f"no validated rule could judge {_some(unseen)}, and nobody has looked at them: open a review of all of it "
            "anew, or validate rules for it"
        )


def _open(what: str) -> Conflict:
    return Conflict(f"the review cannot be concluded: {what}", advice="Do what is open, then conclude it.")


def _span(connection: Connection, log: int, of: Reviewed, members: Members) -> tuple[int, int] | None:
    if of.from_at is not None and of.to_at is not None:
        return parse_utc(of.from_at), parse_utc(of.to_at)
    return span_of(connection, log, members)


def _some(what: Iterable[object]) -> str:
    names = [str(one) for one in what]
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
