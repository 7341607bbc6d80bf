"""Challenges of rules: a version of a rule is tried on cases that a person gives, and what it said is entered."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.digests import Digests
from ledger.core.entry import draft
from ledger.core.errors import SchemaViolation
from ledger.core.kinds import RECORD
from ledger.core.record import Original
from ledger.core.ruling import RULE_CHALLENGE, CaseResult, RuleChallenge
from ledger.review.exceptions.examining import judged
from ledger.review.exceptions.knowing import known_since
from ledger.review.exceptions.left import newest
from ledger.review.life.going_by import in_force
from ledger.review.life.tables import rule_challenge
from ledger.review.rules import rule_named
from ledger.review.rules.rule import Rule
from ledger.review.trials.cases import Case
from ledger.signing.sign_off import SignOff, sign_off
from ledger.sources.inventory import Inventory
from ledger.sources.parameters import Parameters
from ledger.sources.planted import planted
from ledger.sources.prepare import keep_original
from ledger.store import schema
from ledger.store.append import Batch
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.store import Store

GIVEN: Final = "trailseal-cases", "1"
"""What the cases of a challenge are read by, and its version."""
MEDIA_TYPE: Final = "application/json"


class Challenged(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge by its entry. `lacking`: why it does not validate the rule; empty if it does, once it is signed."""

    entry: int
    challenge: RuleChallenge
    lacking: str
    sign_off: SignOff


class Challenges:
    """The challenges of any log. Safe to use from any number of threads."""

    def __init__(self, store: Store, parameters: Parameters, digests: Callable[[], Digests]) -> None:
        self._store = store
        self._parameters = parameters
        self._digests = digests

    def run(self, log: LogId, name: str, cases: Sequence[Case], reason: str, authority: Authority) -> Challenged:
        """Tries a rule as it is, and enters what it said of each case; nothing else of it stays.

        Raises NotFound for a rule or a source that there is not, SchemaViolation for a case that is none, RuleFailed.
        """
        rule = rule_named(name)
        data = msgspec.json.encode(list(cases))
        given, item = keep_original(
            Original(data=data, media_type=MEDIA_TYPE, parser=GIVEN[0], parser_version=GIVEN[1])
        )
        with self._store.reading() as connection:
            size = LogReader(connection, log.number).head().size
            going_by = in_force(connection, log.number, rule.about, size)
            results = [self._tried(connection, log, size, rule, case, authority) for case in cases]
        body = RuleChallenge(
            rule=rule.about.id,
            version=rule.about.version,
            size=size,
            parameters=tuple(sorted(going_by)),
            cases=tuple(results),
            given=given,
            reason=reason,
            authority=authority,
        )
        entry = self._store.append(log.number, Batch([draft(body, vault=(item,))]))[0].index
        return self.get(log, entry)

    def get(self, log: LogId, entry: int) -> Challenged:
        """One challenge; raises NotFound, IntegrityError for an entry that is none."""
        with self._store.reading() as connection:
            return self._challenged(connection, log, entry)

    def all(self, log: LogId, name: str | None = None, before: int | None = None, limit: int = 100) -> list[Challenged]:
        """The challenges of a log, of one rule if it is named, the newest first."""
        row = rule_challenge.c
        high = pos_of(log.number + 1, 0) if before is None else pos_of(log.number, before)
        chosen = select(row.pos).where(row.pos >= pos_of(log.number, 0), row.pos < high)
        if name is not None:
            chosen = chosen.where(row.rule == name)
        with self._store.reading() as connection:
            places = connection.scalars(chosen.order_by(row.pos.desc()).limit(limit)).all()
            return [self._challenged(connection, log, index_of(pos)) for pos in places]

    def _challenged(self, connection: Connection, log: LogId, entry: int) -> Challenged:
        body = body_of(LogReader(connection, log.number).entry(entry), RULE_CHALLENGE, RuleChallenge)
        signed = sign_off(self._store, connection, log, entry, body)
        return Challenged(entry=entry, challenge=body, lacking=body.lacking, sign_off=signed)

    def _tried(
        self, connection: Connection, log: LogId, size: int, rule: Rule, case: Case, authority: Authority
    ) -> CaseResult:
        if case.entry is not None:
            row = schema.record.c
            if case.entry >= size or not connection.scalar(
                select(row.pos).where(row.pos == pos_of(log.number, case.entry))
            ):
                raise SchemaViolation(f"case {case.name!r}: entry {case.entry} is no record", advice="Name a record.")
            return self._said(connection, log, size, rule, case, case.entry)
        anchor = case.anchor()
        inventory, digests = Inventory(self._store, log.number), self._digests()
        drafts = [one for run in case.runs for one in planted(inventory, digests, run, authority)]
        place = [at for at, one in enumerate(drafts) if one.kind == RECORD.name][anchor]

        def look(trying: Connection, before: int, after: int) -> CaseResult:
            return self._said(trying, log, after, rule, case, before + place)

        return self._store.rehearse(log.number, drafts, look)

    def _said(self, connection: Connection, log: LogId, size: int, rule: Rule, case: Case, index: int) -> CaseResult:
        last = newest(connection, log.number)
        known = known_since(connection, self._store.kinds, self._parameters, log.number, size, last)
        said = next((said for _, said in judged(rule, [index], known)), None)
        return CaseResult(
            name=case.name,
            expected=case.expected,
            said=None if said is None else said.said,
            why="" if said is None else said.why,
            entry=case.entry,
        )
