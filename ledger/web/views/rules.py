"""Rules as their page shows them: state, version, numbers; and the suppressions."""

from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.clock import parse_utc
from ledger.core.ruling import RuleState
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, moment
from ledger.review.alcoa.totals import Days
from ledger.review.life.states import Standing, standings
from ledger.review.life.suppressions import suppressions
from ledger.review.reviews.rule_statistics import RuleCounts, rule_statistics
from ledger.review.rules import FaultyRule, faulty
from ledger.store.reading import LogReader
from ledger.store.store import Store


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    """A rule. `mark`: whether its validation holds; None where nobody called it validated. `why`: why it does not."""

    id: str
    title: str
    version: int
    severity: str
    mark: State | None
    words: str
    why: str
    entry: int | None
    counts: RuleCounts


class SuppressionLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked past."""

    rule: str
    scope: str
    since: Moment
    until: Moment
    words: str
    by: str
    reason: str
    entry: int


class RulesView(msgspec.Struct, frozen=True, kw_only=True):
    """The page. `schedule`: what has the rules run, in words."""

    log: str
    logs: tuple[str, ...]
    size: int
    rules: tuple[RuleLine, ...]
    faulty: tuple[FaultyRule, ...]
    suppressions: tuple[SuppressionLine, ...]
    schedule: str


def rules_view(
    store: Store,
    connection: Connection,
    log: LogId,
    logs: tuple[str, ...],
    now_us: int,
    minutes: int | None,
    zone: ZoneInfo,
) -> RulesView:
    """All rules of a log as they stand now; `minutes`: how often a schedule has them run."""
    size = LogReader(connection, log.number).head().size
    counted = {one.rule: one for one in rule_statistics(connection, log.number, size, now_us, Days())}
    return RulesView(
        log=log.name,
        logs=logs,
        size=size,
        rules=tuple(_line(one, counted) for one in standings(store, connection, log, size)),
        faulty=faulty(),
        suppressions=tuple(
            SuppressionLine(
                rule=one.rule,
                scope=_scope(one.source, one.object_type, one.object_id),
                since=moment(parse_utc(one.since), zone),
                until=moment(parse_utc(one.until), zone),
                words=message("rules.suppression.in-force" if one.in_force else "rules.suppression.not-in-force"),
                by=one_line(one.by),
                reason=one_line(one.reason),
                entry=one.entry,
            )
            for one in suppressions(connection, log.number, size, now_us)
        ),
        schedule=message("rules.no-schedule") if minutes is None else message("rules.schedule", minutes=minutes),
    )


def _line(one: Standing, counted: dict[str, RuleCounts]) -> RuleLine:
    about = one.about
    mark = State.HOLDS if one.state is RuleState.VALIDATED else State.UNKNOWN if one.why else None
    return RuleLine(
        id=about.id,
        title=about.title,
        version=about.version,
        severity=message(f"rules.severity.{about.severity.value}"),
        mark=mark,
        words=message(f"rules.state.{one.state.value}"),
        why=one.why,
        entry=one.entry,
        counts=counted.get(about.id) or RuleCounts(rule=about.id, first="", last=""),
    )


def _scope(source: str | None, type_: str | None, object_: str | None) -> str:
    told = [
        message(f"rules.all.{name}") if value is None else one_line(value)
        for name, value in (("sources", source), ("types", type_), ("objects", object_))
    ]
    return ", ".join(told)
