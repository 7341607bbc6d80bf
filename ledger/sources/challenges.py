"""Challenges: set, planted once for each instant, and judged by what the ledger then holds."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from ledger.core.authority import Authority
from ledger.core.clock import MICROSECONDS, parse_utc, utc_text
from ledger.core.entry import Draft, decode_leaf, draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.kinds import RECORD
from ledger.core.record import RecordBody
from ledger.findings.kinds import Finding, FindingSort
from ledger.sources import tables
from ledger.sources.challenge_compare import NEW_VALUE, OBJECT_ID, TIME, compare
from ledger.sources.challenge_kinds import (
    BY_HAND,
    Challenge,
    ChallengeResult,
    ChallengeRun,
    Compared,
    ResultState,
    RunState,
)
from ledger.sources.challenge_projector import run_key
from ledger.sources.challenge_schedule import NEW, check_schedule, latest_due_us, number_range
from ledger.sources.challenge_tables import challenge as challenge_table
from ledger.sources.challenge_tables import challenge_run as run_table
from ledger.store.append import Batch, Transaction
from ledger.store.question import Query
from ledger.store.reading import LogReader, VaultReader
from ledger.store.search import MAX_PAGE, search
from ledger.store.store import Store

SCHEDULE: Final = Authority(actor="service:challenges", authenticated=False)
"""On whose authority a challenge is planted and judged that nobody asked for."""

_OPEN: Final = tuple(state.value for state in RunState)
_FOUND: Final = {
    ResultState.WRONG: FindingSort.CHALLENGE_WRONG,
    ResultState.LATE: FindingSort.CHALLENGE_MISSED,
    ResultState.MISSED: FindingSort.CHALLENGE_MISSED,
    ResultState.NOT_PLANTED: FindingSort.CHALLENGE_NOT_PLANTED,
}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as it is set, since which entry and when."""

    challenge: Challenge
    entry: int
    set_us: int


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One planting, and what came of it; null: it is not judged yet."""

    entry: int
    run: ChallengeRun
    result_entry: int | None
    result: ChallengeResult | None


class _Candidate(msgspec.Struct, frozen=True):
    index: int
    logged_us: int
    compared: tuple[Compared, ...]

    @property
    def right(self) -> bool:
        return all(one.holds for one in self.compared)

    def holds(self, *members: str) -> bool:
        return all(one.holds for one in self.compared if one.member in members)

    @property
    def close(self) -> tuple[int, int]:
        return sum(one.holds for one in self.compared), -self.index


class Challenges:
    """The challenges of one log's sources."""

    def __init__(self, store: Store, log: int) -> None:
        self._store = store
        self._log = log

    def put(self, challenge: Challenge) -> int:
        """Sets a challenge, or sets it anew; returns the entry's index.

        Raises NotFound if its source is not registered, SchemaViolation for what cannot be.
        """
        try:
            checked = msgspec.convert(msgspec.to_builtins(challenge), Challenge)
        except msgspec.ValidationError as error:
            raise SchemaViolation(
                f"challenge {challenge.challenge!r}: {error}", advice="Correct what is named."
            ) from None
        _check(checked)
        row = tables.source.c
        with self._store.reading() as connection:
            known = connection.scalar(
                select(row.key).where(row.log == self._log, row.key == checked.source, row.to_index.is_(None))
            )
        if known is None:
            raise NotFound(f"no source {checked.source!r} is registered", advice="See `trailseal source list`.")
        return self._store.append_one(self._log, draft(checked)).index

    def retire(self, name: str, reason: str, authority: Authority) -> int:
        """Ends a challenge; what was planted already is still judged. Raises NotFound."""
        ended = msgspec.structs.replace(self.get(name).challenge, retired=True, reason=reason, authority=authority)
        return self._store.append_one(self._log, draft(ended)).index

    def get(self, name: str) -> Known:
        """A challenge as it is set now; raises NotFound for one that is not there or is retired."""
        for known in self._current(challenge_table.c.key == name):
            return known
        raise NotFound(f"there is no challenge {name!r}", advice="See `trailseal challenge list`.")

    def list(self, source: str | None = None) -> Sequence[Known]:
        """All challenges that are not retired, by name."""
        return self._current(*(() if source is None else (challenge_table.c.source == source,)))

    def due(self, known: Known, now_us: int) -> int | None:
        """The latest instant for which the challenge was to be planted and was not; None when there is none."""
        due_us = latest_due_us(known.challenge, known.set_us, now_us)
        if due_us is None:
            return None
        name = known.challenge.challenge
        row = run_table.c
        with self._store.reading() as connection:
            last = connection.scalar(
                select(row.due_us)
                .where(row.log == self._log, row.challenge == name)
                .order_by(row.due_us.desc())
                .limit(1)
            )
            done = known.challenge.planting.by == BY_HAND and last is not None and last >= due_us
            return None if done or self._state(connection, name, utc_text(due_us)) is not None else due_us

    def old(self, name: str) -> str | None:
        """What the planting before left there; None where that is not known."""
        row = run_table.c
        with self._store.reading() as connection:
            index = connection.scalar(
                select(row.from_index)
                .where(row.log == self._log, row.challenge == name, row.state.in_(_OPEN))
                .order_by(row.from_index.desc())
                .limit(1)
            )
            run = None if index is None else self._run(connection, index)
        return run.new if run is not None and run.state is RunState.PLANTED else None

    def begin(self, run: ChallengeRun) -> int:
        """Enters that a planting begins; raises Conflict if there is one for that challenge and instant."""

        def check(transaction: Transaction) -> None:
            self._claim(transaction, run.challenge, run.due, None)

        return self._store.append(self._log, Batch([draft(run)], before=check))[0].index

    def go_on(self, run: ChallengeRun, before: RunState) -> int:
        """Enters how far a planting is now; raises Conflict if it is not where it was."""

        def check(transaction: Transaction) -> None:
            self._claim(transaction, run.challenge, run.due, before.value)

        return self._store.append(self._log, Batch([draft(run)], before=check))[0].index

    def pending(self) -> Sequence[Past]:
        """The plantings that are still to be judged, oldest first."""
        row = run_table.c
        with self._store.reading() as connection:
            indices = connection.scalars(
                select(row.from_index)
                .where(row.log == self._log, row.to_index.is_(None), row.state.in_(_OPEN))
                .order_by(row.from_index)
            ).all()
            return [
                Past(entry=index, run=self._run(connection, index), result_entry=None, result=None) for index in indices
            ]

    def judge(self, past: Past, now_us: int, authority: Authority = SCHEDULE) -> ChallengeResult | None:
        """What came of a planting: entered, with a finding where it is not as it should be; None while it may arrive.

        Raises Conflict if it was judged, or is planted, meanwhile.
        """
        run = past.run
        deadline_us = parse_utc(run.deadline)
        with self._store.reading() as connection:
            challenge = self._challenge(connection, run.definition)
            found = self._candidates(connection, challenge, run)
        right = min((one for one in found if one.right), key=lambda one: one.index, default=None)
        if right is not None:
            state = ResultState.ARRIVED if right.logged_us <= deadline_us else ResultState.LATE
            return self._enter(past, state, right, authority)
        if now_us <= deadline_us:
            return None
        near = [one for one in found if one.holds(NEW_VALUE)] or [
            one for one in found if one.holds(OBJECT_ID, "attribute", TIME)
        ]
        if near:
            return self._enter(past, ResultState.WRONG, max(near, key=lambda one: one.close), authority)
        missed = run.state is RunState.PLANTED
        return self._enter(past, ResultState.MISSED if missed else ResultState.NOT_PLANTED, None, authority)

    def give_up(self, past: Past, detail: str, authority: Authority = SCHEDULE) -> ChallengeResult:
        """Enters that nothing was planted, and why."""
        return self._enter(past, ResultState.NOT_PLANTED, None, authority, detail)

    def history(
        self,
        name: str | None = None,
        source: str | None = None,
        limit: int = 100,
        *,
        result: ResultState | None = None,
        before: int | None = None,
    ) -> Sequence[Past]:
        """Plantings with what came of them, newest first; `before`: those whose last entry has a lower index."""
        row = run_table.c
        chosen = [row.log == self._log]
        if name is not None:
            chosen.append(row.challenge == name)
        if source is not None:
            chosen.append(row.source == source)
        if result is not None:
            chosen.append(row.state == result.value)
        if before is not None:
            chosen.append(row.from_index < before)
        current = select(row.key).where(*chosen, row.to_index.is_(None)).order_by(row.from_index.desc()).limit(limit)
        with self._store.reading() as connection:
            return [self._past(connection, key) for key in connection.scalars(current).all()]

    def last_result(self, source: str) -> ChallengeResult | None:
        """What came of the latest planting of a source that was judged."""
        row = run_table.c
        with self._store.reading() as connection:
            index = connection.scalar(
                select(row.from_index)
                .where(row.log == self._log, row.source == source, row.to_index.is_(None), row.state.not_in(_OPEN))
                .order_by(row.from_index.desc())
                .limit(1)
            )
            result = None if index is None else self._body(connection, index)
        assert result is None or isinstance(result, ChallengeResult)
        return result

    def _enter(
        self, past: Past, state: ResultState, found: _Candidate | None, authority: Authority, detail: str = ""
    ) -> ChallengeResult:
        run = past.run
        planted_us = parse_utc(run.planted_at or run.begun_at)
        result = ChallengeResult(
            challenge=run.challenge,
            source=run.source,
            run=past.entry,
            due=run.due,
            state=state,
            record=None if found is None else found.index,
            delay_us=None if found is None else found.logged_us - planted_us,
            compared=() if found is None else found.compared,
            detail=detail or _words(run, state, found, planted_us),
            authority=authority,
        )
        entries: list[Draft] = [draft(result)]
        if state in _FOUND:
            entries.append(
                draft(
                    Finding(
                        sort=_FOUND[state],
                        source=run.source,
                        entries=(past.entry,) if found is None else (past.entry, found.index),
                        detail=f"Challenge {run.challenge} of {run.due}: {result.detail}",
                    )
                )
            )

        def check(transaction: Transaction) -> None:
            self._claim(transaction, run.challenge, run.due, run.state.value)

        self._store.append(self._log, Batch(entries, before=check))
        return result

    def _claim(self, transaction: Transaction, challenge: str, due: str, before: str | None) -> None:
        """Under the head lock: the planting stands where it is taken to stand, and no other batch moves it."""
        key = ("challenge", run_key(challenge, due))
        if key in transaction.scratch or self._state(transaction.connection, challenge, due) != before:
            raise Conflict(
                f"challenge {challenge!r} of {due} was just planted or judged by somebody else",
                advice="See `trailseal challenge history`.",
            )
        transaction.scratch[key] = True

    def _state(self, connection: Connection, challenge: str, due: str) -> str | None:
        row = run_table.c
        state: str | None = connection.scalar(
            select(row.state).where(row.log == self._log, row.key == run_key(challenge, due), row.to_index.is_(None))
        )
        return state

    def _candidates(self, connection: Connection, challenge: Challenge, run: ChallengeRun) -> Sequence[_Candidate]:
        """Records of the source, logged since the planting began, that name the new value or the object."""
        if not run.new:
            return ()  # nothing was set
        expected = challenge.expected
        by_hand = challenge.planting.by == BY_HAND  # then the moment is a person's, and only about right
        first = 0 if by_hand else self._begun(connection, run)
        since_us = parse_utc(run.begun_at) - (expected.tolerance_us if by_hand else 0)
        reader, vault = LogReader(connection, self._log), VaultReader(connection)
        size = reader.head().size
        queries = [Query(source=run.source, object_id=expected.object_id.replace(NEW, run.new))]
        if number_range(challenge.planting.value) is None:
            queries.append(Query(source=run.source, text=run.new))  # a bare number stands in many records
        indices = {
            index
            for query in queries
            for index in search(connection, self._log, size, query, limit=MAX_PAGE).indices
            if index >= first
        }
        found = []
        for index in sorted(indices):
            stored = reader.entry(index)
            body = None if stored.body is None else RECORD.decode(stored.body)
            logged_us = parse_utc(decode_leaf(stored.leaf).logged_at)
            if isinstance(body, RecordBody) and logged_us >= since_us:
                compared = compare(challenge, run, body, vault.sealed(self._log, index))
                found.append(_Candidate(index, logged_us, compared))
        return found

    def _begun(self, connection: Connection, run: ChallengeRun) -> int:
        """The first entry of a planting; no record of it can stand before."""
        row = run_table.c
        key = run_key(run.challenge, run.due)
        return connection.scalar(select(func.min(row.from_index)).where(row.log == self._log, row.key == key)) or 0

    def _past(self, connection: Connection, key: str) -> Past:
        row = run_table.c
        rows = connection.execute(
            select(row.from_index, row.state).where(row.log == self._log, row.key == key).order_by(row.from_index)
        ).all()
        runs = [index for index, state in rows if state in _OPEN]
        results = [index for index, state in rows if state not in _OPEN]
        result = self._body(connection, results[-1]) if results else None
        assert result is None or isinstance(result, ChallengeResult)
        return Past(
            entry=runs[-1],
            run=self._run(connection, runs[-1]),
            result_entry=results[-1] if results else None,
            result=result,
        )

    def _current(self, *conditions: ColumnElement[bool]) -> Sequence[Known]:
        row = challenge_table.c
        query = select(row.from_index, row.set_us).where(row.log == self._log, row.to_index.is_(None), *conditions)
        with self._store.reading() as connection:
            return [
                Known(challenge=self._challenge(connection, index), entry=index, set_us=set_us)
                for index, set_us in connection.execute(query.order_by(row.key)).all()
            ]

    def _challenge(self, connection: Connection, index: int) -> Challenge:
        body = self._body(connection, index)
        assert isinstance(body, Challenge)
        return body

    def _run(self, connection: Connection, index: int) -> ChallengeRun:
        body = self._body(connection, index)
        assert isinstance(body, ChallengeRun)
        return body

    def _body(self, connection: Connection, index: int) -> msgspec.Struct:
        stored = LogReader(connection, self._log).entry(index)
        if stored.body is None:
            raise NotFound(f"entry {index} of a challenge was disposed of")
        return self._store.kinds[decode_leaf(stored.leaf).kind].decode(stored.body)


def _words(run: ChallengeRun, state: ResultState, found: _Candidate | None, planted_us: int) -> str:
    if found is None:
        if state is ResultState.MISSED:
            return f"no record of it was in the ledger by {run.deadline}"
        return f"planting did not come to an end, and no record of it was in the ledger by {run.deadline}"
    delay = f"{(found.logged_us - planted_us) / MICROSECONDS:.3f} s after it was planted"
    if state is ResultState.WRONG:
        wrong = "; ".join(
            f"{one.member}: planted {one.expected}, recorded {one.found}" for one in found.compared if not one.holds
        )
        return f"the record of it is wrong in {wrong}"
    return f"its record was in the ledger {delay}"


def _check(challenge: Challenge) -> None:
    number_range(challenge.planting.value)
    check_schedule(challenge.cron, challenge.zone, challenge.every_s)
    by_hand = challenge.planting.by == BY_HAND
    if by_hand and (challenge.planting.options or challenge.planting.secrets):
        raise SchemaViolation("a challenge that is planted by hand has no options and no secrets")
