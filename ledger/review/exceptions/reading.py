"""What rules found, and their runs, as they are listed."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import decode_leaf
from ledger.core.rule_run import RULE_RUN, RuleRun
from ledger.findings.kinds import FINDING, RuleFinding
from ledger.findings.tables import rule_finding
from ledger.review.exceptions.tables import rule_run
from ledger.review.life.suppressions import Suppressing, suppressed
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of

MOST: Final = 500


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it stands as of a size. `entry` opened it, or closed it where it `stands` no longer; `suppressed`:
    by what it is looked past at the moment that was asked for, if it is.
    """

    key: str
    rule: str
    version: int
    severity: str
    source: str
    stands: bool
    entry: int
    at: str
    anchor: int
    entries: tuple[int, ...]
    why: str
    detail: str
    suppressed: Suppressing | None = None


class RunListed(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the rules, by its entry, and when that was logged."""

    entry: int
    at: str
    run: RuleRun


def findings(
    connection: Connection,
    log: int,
    size: int,
    rule: str | None = None,
    every: bool = False,
    before: int | None = None,
    limit: int = MOST,
    *,
    at_us: int,
) -> list[Listed]:
    """What rules found, as it stands as of a size, newest first; `every`: also what was closed. `before`: an entry;
    `at_us`: of which moment suppressions are.
    """
    row = rule_finding.c
    chosen = select(rule_finding).where(row.log == log, as_of(rule_finding, size))
    if rule is not None:
        chosen = chosen.where(row.rule == rule)
    if not every:
        chosen = chosen.where(row.stands == 1)
    if before is not None:
        chosen = chosen.where(row.from_index < before)
    reader = LogReader(connection, log)
    found = [
        _listed(reader, one.from_index, bool(one.stands))
        for one in connection.execute(chosen.order_by(row.from_index.desc()).limit(limit)).all()
    ]
    past = suppressed(connection, log, size, at_us, [(one.rule, one.anchor) for one in found if one.stands])
    return [msgspec.structs.replace(one, suppressed=past.get((one.rule, one.anchor))) for one in found]


def _listed(reader: LogReader, entry: int, stands: bool) -> Listed:
    stored = reader.entry(entry)
    body = body_of(stored, FINDING, RuleFinding)
    return Listed(
        key=body.key,
        rule=body.rule,
        version=body.version,
        severity=body.severity.value,
        source=body.source,
        stands=stands,
        entry=entry,
        at=decode_leaf(stored.leaf).logged_at,
        anchor=body.anchor,
        entries=body.entries,
        why=body.why,
        detail=body.detail,
    )


def runs(connection: Connection, log: int, before: int | None = None, limit: int = MOST) -> Iterator[RunListed]:
    """The runs of the rules over a log, newest first."""
    pos = rule_run.c.pos
    high = pos_of(log + 1, 0) if before is None else pos_of(log, before)
    chosen: Sequence[int] = connection.scalars(
        select(pos).where(pos >= pos_of(log, 0), pos < high).order_by(pos.desc()).limit(limit)
    ).all()
    reader = LogReader(connection, log)
    for one in chosen:
        stored = reader.entry(index_of(one))
        yield RunListed(
            entry=stored.index, at=decode_leaf(stored.leaf).logged_at, run=body_of(stored, RULE_RUN, RuleRun)
        )
