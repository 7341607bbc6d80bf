"""Projectors of the states of rules, of their challenges, and of suppressions."""

from collections.abc import Iterable

from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.core.ruling import RuleChallenge, RuleStated, Suppression, SuppressionEvent
from ledger.review.life import tables as t
from ledger.store.position import pos_of


class RuleStateProjector:
    """The state of each version of a rule that somebody gave one."""

    name = "rule-state"
    version = 1
    kinds = frozenset({"rule"})
    table = t.rule_state.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: RuleStated = entry.body
        yield Valid(key_of(one.rule, one.version), (one.rule, one.version, one.state.value))


class RuleChallengeProjector:
    """One row a trial."""

    name = "rule-challenge"
    version = 1
    kinds = frozenset({"rule-challenge"})
    tables = (t.rule_challenge.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        one: RuleChallenge = entry.body
        holds = int(not one.lacking)
        yield t.rule_challenge.name, (pos_of(entry.log, entry.index), one.rule, one.version, holds)


class SuppressionProjector:
    """What is looked past in each scope."""

    name = "suppression"
    version = 1
    kinds = frozenset({"suppression"})
    table = t.suppression.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: Suppression = entry.body
        scope = (one.rule, one.source, one.object_type, one.object_id)
        values = (*scope, parse_utc(one.since), parse_utc(one.until))
        yield Valid(canonical.dumps(list(scope)).decode(), None if one.event is SuppressionEvent.REVOKED else values)


def key_of(rule: str, version: int) -> str:
    """What a version of a rule is in the table of states."""
    return f"{rule}/{version}"


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All of these."""
    return RuleStateProjector(), RuleChallengeProjector(), SuppressionProjector()
